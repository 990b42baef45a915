"""`kontur collect`: keep the pictures that a detector is unsure of."""

from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import OUT, EngineName, EngineOption, ScaleOption, WorkspaceOption, progress_bar
from kontur.cli.detect import SourcesArgument
from kontur.errors import PictureError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(collect)


def collect(
    sources: SourcesArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where uncertain pictures are kept.")],
    workspace: WorkspaceOption = Path(),
    below: Annotated[float, typer.Option(min=0, max=1, help="Scores below this are uncertain.")] = 0.5,
    most_mb: Annotated[float, typer.Option("--max-mb", min=0.001, help="Room for them; the oldest go first.")] = 500,
    engine: EngineOption = EngineName.NETWORK,
    mm_per_px: ScaleOption = None,
) -> None:
    """Keep pictures with a doubtful or unknown part, as PNG beside what was found in them, for somebody to label.

    Example: kontur collect camera/ --out data/collected --below 0.6

    Example: kontur collect rtsp://camera.local/stream --out data/collected --max-mb 200
    """
    from kontur.modeling.inference import load_detector
    from kontur.modeling.results import picture_result
    from kontur.pictures import encode_picture
    from kontur.service.collecting import PictureRing, is_uncertain
    from kontur.sources import open_source
    from kontur.workspace import open_workspace

    source = open_source(sources)
    detector = load_detector(open_workspace(workspace), mm_per_px, engine.value)
    ring, seen, kept, faults = PictureRing(out, int(most_mb * 2**20)), 0, 0, []
    with progress_bar("looking", "pictures") as progress:
        for frame in source:
            progress(seen, source.frames)
            if frame.picture is None:
                faults.append(frame.fault)
                continue
            seen += 1
            document = picture_result(frame.name, detector.detect(frame.picture), detector.parts)
            if is_uncertain(document, below):
                kept += ring.keep(encode_picture(frame.picture, ".png"), document) is not None
        progress(seen, seen)
    OUT.print(f"{kept} of {seen} pictures kept in {out}", highlight=False, soft_wrap=True)
    if faults:
        raise PictureError("; ".join(faults))
