"""`kontur collect`: keep the pictures that a detector is unsure of."""

from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import ERR, OUT, EngineName, EngineOption, ScaleOption, WorkspaceOption, progress_bar
from kontur.cli.detect import PicturesArgument
from kontur.errors import PictureError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(collect)


def collect(
    pictures: PicturesArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where uncertain pictures are kept.")],
    workspace: WorkspaceOption = Path(),
    below: Annotated[float, typer.Option(min=0, max=1, help="Scores below this are uncertain.")] = 0.5,
    most_mb: Annotated[float, typer.Option("--max-mb", min=0.001, help="Room for them; the oldest go first.")] = 500,
    engine: EngineOption = EngineName.NETWORK,
    mm_per_px: ScaleOption = None,
) -> None:
    """Keep the pictures with a doubtful or unknown part, beside what was found in them, for somebody to label.

    Example: kontur collect camera/ --out data/collected --below 0.6
    """
    from kontur.modeling.inference import load_detector
    from kontur.modeling.results import picture_result
    from kontur.pictures import decode_picture, find_pictures
    from kontur.service.collecting import PictureRing, is_uncertain
    from kontur.workspace import open_workspace

    paths = find_pictures(pictures)
    detector = load_detector(open_workspace(workspace), mm_per_px, engine.value)
    ring, kept = PictureRing(out, int(most_mb * 2**20)), 0
    faults = []
    with progress_bar("looking", "pictures") as progress:
        for done, path in enumerate(paths):
            progress(done, len(paths))
            try:
                data = path.read_bytes()
                document = picture_result(path.name, detector.detect(decode_picture(data, str(path))), detector.parts)
            except (PictureError, OSError) as error:
                faults.append(str(error))
                continue
            if is_uncertain(document, below):
                kept += ring.keep(data, document) is not None
        progress(len(paths), len(paths))
    OUT.print(f"{kept} of {len(paths)} pictures kept in {out}", highlight=False, soft_wrap=True)
    if faults:
        ERR.print(f"{len(faults)} could not be read")
        raise PictureError("; ".join(faults))
