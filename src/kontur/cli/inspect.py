"""`kontur inspect`: what is in the drawings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kontur.cli.common import ERR, OUT, JsonOption, ScaleOption, WorkspaceOption, print_json, progress_bar
from kontur.errors import DrawingError

if TYPE_CHECKING:
    from kontur.drawing import Drawing, DrawingRules

_MOST_COMPARED = 300
_SEVERITY_STYLE = {"error": "bold red", "ambiguous": "magenta", "warning": "yellow", "info": "dim"}


def inspect(
    paths: Annotated[
        list[str] | None, typer.Argument(help="DXF files, folders or globs; the workspace's drawings by default.")
    ] = None,
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="DIR", help="Write a PNG, an SVG and a GeoJSON of each drawing.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with a picture of each part.")
    ] = None,
    scale: ScaleOption = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Unit of the coordinates: um, mm, cm, m, mil, inch, foot, yard.")
    ] = None,
) -> None:
    """Read drawings and tell what is in them: parts, holes, symmetry, units, and everything that is doubtful.

    Exit code 0 when every file was read, 2 when one was not.

    Example: kontur inspect plates/*.dxf --unit mm --html plates.html
    """
    from kontur.drawing.report import inspect_drawing

    rules, files, mm_per_px = _rules_and_files(paths, workspace, unit)
    mm_per_px = max(scale) if scale else mm_per_px
    drawings, documents = [], []
    with progress_bar("reading", "drawings") as progress:
        for done, file in enumerate(files):
            progress(done, len(files))
            drawing, document = inspect_drawing(file, rules)
            documents.append(document)
            drawings.append(drawing)
        progress(len(files), len(files))
    likes = _look_alikes(drawings, mm_per_px)
    if json:
        print_json({"files": documents, "look_alikes": [like["document"] for like in likes]})
    else:
        for document in documents:
            _print_file(document, mm_per_px)
        _print_look_alikes(likes)
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
        rules = rules.model_copy(update={"unit": unit})
    return rules, find_drawings(paths or [place.drawings]), settings.camera.mm_per_px[1]


def _print_file(document: dict[str, Any], mm_per_px: float) -> None:
    from rich.table import Table

    OUT.print(f"[bold]{escape(document['file'])}[/]", highlight=False, soft_wrap=True)
    if not document["readable"]:
        OUT.print(f"  [bold red]cannot be read:[/] {escape(document['error'])}", highlight=False, soft_wrap=True)
        return
    entities = escape(", ".join(f"{count['total']} {kind}" for kind, count in document["entities"].items()))
    OUT.print(f"  unit {document['unit']} (confidence {document['unit_confidence']:.2f}); {entities}", highlight=False)
    table = Table(box=None, padding=(0, 2))
    for title in ("part", "width x height mm", "area mm2", "holes", "symmetry", "mirror image", "smallest"):
        table.add_column(title, justify="left" if title == "part" else "right")
    for part in document["parts"]:
        width, height = part["bbox_mm"]
        order = "round" if part["symmetry"] == 0 else str(part["symmetry"])
        mirror = "another part" if part["chiral"] else "the same"
        table.add_row(
            escape(part["name"]),
            f"{width:.2f} x {height:.2f}",
            f"{part['area_mm2']:.1f}",
            str(len(part["holes"])),
            order,
            mirror,
            f"{part['smallest_feature_mm']:.2f} mm, {part['smallest_feature_mm'] / mm_per_px:.1f} px",
        )
    OUT.print(table)
    for issue in document["issues"]:
        place = "" if issue["x_mm"] is None else f" at ({issue['x_mm']:.2f}, {issue['y_mm']:.2f})"
        style = _SEVERITY_STYLE[issue["severity"]]
        OUT.print(f"  [{style}]{issue['severity']}[/] {issue['code']}{place}: {escape(issue['text'])}", highlight=False)


def _look_alikes(drawings: "list[Drawing | None]", mm_per_px: float) -> list[dict[str, Any]]:
    from kontur.drawing.report import look_alike_document
    from kontur.geometry.likeness import look_alikes

    parts = [part for drawing in drawings if drawing is not None for part in drawing.parts]
    if len(parts) > _MOST_COMPARED:
        ERR.print(f"{len(parts)} parts: look-alikes are searched for among up to {_MOST_COMPARED} only")
        return []
    return [
        {"pair": pair, "parts": parts, "document": look_alike_document(parts, pair, mm_per_px)}
        for pair in look_alikes(parts)
    ]


def _print_look_alikes(likes: list[dict[str, Any]]) -> None:
    for like in (like["document"] for like in likes):
        side = ", one of them face down" if like["mirrored"] else ""
        OUT.print(
            f"[yellow]look-alikes[/] {like['parts'][0]} and {like['parts'][1]}{side}: differ by "
            f"{like['difference_px']:.0f} px at {like['mm_per_px']:g} mm/px", highlight=False,
        )  # fmt: skip


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
        pairs = [
            (
                like["parts"][like["pair"].a],
                like["parts"][like["pair"].b],
                like["pair"],
                like["document"]["difference_px"],
            )
            for like in likes
        ]
        write_page(html, drawings, documents, pairs)
