"""`kontur inspect`: what is in the drawings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontur.cli.common import ERR, JsonOption, ScaleOption, WorkspaceOption, print_json, progress_bar
from kontur.errors import DrawingError

if TYPE_CHECKING:
    from kontur.drawing import Drawing, DrawingRules
    from kontur.geometry import Part

_MOST_COMPARED = 300


def inspect(
    paths: Annotated[
        list[str] | None, typer.Argument(help="DXF files, folders or globs; the workspace's drawings by default.")
    ] = None,
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="DIR", help="Write a PNG, an SVG and a GeoJSON (mm) of each drawing."),
    ] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", metavar="DIR", help="Write a PNG mask of each part, anti-aliased.")
    ] = None,
    px_per_mm: Annotated[
        float | None, typer.Option("--px-per-mm", min=1e-6, help="Scale of the masks; 1 / mm-per-px by default.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with a picture of each part.")
    ] = None,
    scale: ScaleOption = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Unit of the coordinates: um, mm, cm, m, mil, inch, foot, yard.")
    ] = None,
) -> None:
    """Read drawings and tell what is in them: parts, holes, symmetry, units, look-alikes, and everything that is doubtful.

    A file that cannot be read, or not within the limits of time and memory, does not stop the others.
    Exit code 0 when every file was read, 2 when one was not.

    Example: kontur inspect plates/*.dxf --unit mm --html plates.html
    """
    from kontur.cli.inspect_tables import print_copies, print_file, print_look_alikes

    rules, files, mm_per_px = _rules_and_files(paths, workspace, unit)
    mm_per_px = max(scale) if scale else mm_per_px
    drawings, documents = _read(files, rules, mm_per_px)
    parts = [part for drawing in drawings if drawing is not None for part in drawing.parts]
    classes, likes = _compared(parts, mm_per_px)
    if json:
        names = [[parts[index].name for index in members] for members in classes]
        print_json({
            "files": documents, "mm_per_px": mm_per_px, "copies": names,
            "look_alikes": [like["document"] for like in likes],
        })  # fmt: skip
    else:
        for document in documents:
            print_file(document)
        print_copies([[parts[index].name for index in members] for members in classes])
        print_look_alikes([like["document"] for like in likes], mm_per_px)
    if masks is not None:
        _write_masks(parts, masks, px_per_mm or 1 / mm_per_px)
    _write(drawings, documents, likes, draw, html)
    bad = [document["file"] for document in documents if not document["readable"]]
    if bad:
        raise DrawingError(f"{len(bad)} of {len(files)} files cannot be read: {', '.join(bad)}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(inspect)


def _rules_and_files(
    paths: list[str] | None, workspace: Path, unit: str | None
) -> "tuple[DrawingRules, list[Path], float]":
    from kontur.config import load_config
    from kontur.data_preprocessing.data_config import DataConfig
    from kontur.drawing import find_drawings
    from kontur.geometry.units import mm_per, unit_named
    from kontur.workspace import Workspace, open_workspace

    if unit is not None:
        unit = unit_named(unit)
        mm_per(unit)
    place = Workspace(workspace) if paths else open_workspace(workspace)
    config = place.data_config
    settings = load_config(config, DataConfig) if config.is_file() else DataConfig()
    rules = settings.drawings
    if unit is not None:
        rules = rules.model_copy(update={"unit": unit, "units": {}})
    return rules, find_drawings(paths or [place.drawings]), settings.camera.mm_per_px[1]


def _read(
    files: list[Path], rules: "DrawingRules", mm_per_px: float
) -> "tuple[list[Drawing | None], list[dict[str, Any]]]":
    from kontur.drawing.guard import guarded_reader
    from kontur.drawing.report import inspect_drawing

    drawings, documents = [], []
    with progress_bar("reading", "drawings") as progress, guarded_reader() as read:
        for done, file in enumerate(files):
            progress(done, len(files))
            drawing, document = inspect_drawing(file, rules, mm_per_px, read)
            documents.append(document)
            drawings.append(drawing)
        progress(len(files), len(files))
    return drawings, documents


def _compared(parts: "list[Part]", mm_per_px: float) -> tuple[list[list[int]], list[dict[str, Any]]]:
    """The classes of copies, and the look-alikes among one part of each class."""
    from kontur.drawing.report import look_alike_document
    from kontur.geometry.copies import copies_of
    from kontur.geometry.likeness import hard_pairs

    classes: dict[int, list[int]] = {}
    for index, first in enumerate(copies_of(parts)):
        classes.setdefault(first, []).append(index)
    several = [members for members in classes.values() if len(members) > 1]
    kinds = [parts[first] for first in classes]
    if len(kinds) > _MOST_COMPARED:
        ERR.print(f"{len(kinds)} different parts: look-alikes are searched for among up to {_MOST_COMPARED} only")
        return several, []
    return several, [
        {"pair": pair, "parts": kinds, "document": look_alike_document(kinds, pair, mm_per_px)}
        for pair in hard_pairs(kinds)
    ]


def _write_masks(parts: "list[Part]", folder: Path, px_per_mm: float) -> None:
    from kontur.data_preprocessing.dxf_to_mask import write_masks
    from kontur.drawing import uniquely_named

    with progress_bar("masks", "parts") as progress:
        write_masks(uniquely_named(parts), folder, px_per_mm, progress)


def _write(
    drawings: "list[Drawing | None]", documents: list[dict[str, Any]], likes: list[dict[str, Any]],
    draw: Path | None, html: Path | None,
) -> None:  # fmt: skip
    if draw is None and html is None:
        return
    from kontur.visualization.parts_page import write_page, write_pictures

    for drawing in drawings:
        if draw is not None and drawing is not None:
            write_pictures(draw, drawing)
    if html is not None:
        pairs = [(like["parts"][like["pair"].a], like["pair"], like["document"]) for like in likes]
        write_page(html, drawings, documents, pairs)
