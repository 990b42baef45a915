"""`kontur inspect`: what is in the drawings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontur.cli.common import OUT, JsonOption, WorkspaceOption, print_json, progress_bar
from kontur.errors import DrawingError

if TYPE_CHECKING:
    from kontur.drawing import Drawing, DrawingRules

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
    unit: Annotated[
        str | None, typer.Option("--unit", help="Unit of the coordinates: um, mm, cm, m, mil, inch, foot, yard.")
    ] = None,
) -> None:
    """Read drawings and tell what is in them: parts, holes, symmetry, units, and everything that is doubtful.

    Exit code 0 when every file was read, 2 when one was not.

    Example: kontur inspect plates/*.dxf --unit mm --html plates.html
    """
    from kontur.drawing.report import inspect_drawing

    rules, files = _rules_and_files(paths, workspace, unit)
    drawings, documents = [], []
    with progress_bar("reading", "drawings") as progress:
        for done, file in enumerate(files):
            progress(done, len(files))
            drawing, document = inspect_drawing(file, rules)
            documents.append(document)
            drawings.append(drawing)
        progress(len(files), len(files))
    if json:
        print_json({"files": documents})
    else:
        for document in documents:
            _print_file(document)
    _write(drawings, documents, draw, html)
    bad = [document["file"] for document in documents if not document["readable"]]
    if bad:
        raise DrawingError(f"{len(bad)} of {len(files)} files cannot be read: {', '.join(bad)}")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(inspect)


def _rules_and_files(paths: list[str] | None, workspace: Path, unit: str | None) -> "tuple[DrawingRules, list[Path]]":
    from kontur.config import load_config
    from kontur.data_preprocessing.data_config import DataConfig
    from kontur.drawing import DrawingRules, find_drawings
    from kontur.geometry.units import mm_per
    from kontur.workspace import Workspace, open_workspace

    if unit is not None:
        mm_per(unit)
    place = Workspace(workspace) if paths else open_workspace(workspace)
    config = place.data_config
    rules = load_config(config, DataConfig).drawings if config.is_file() else DrawingRules()
    if unit is not None:
        rules = rules.model_copy(update={"unit": unit})
    return rules, find_drawings(paths or [place.drawings])


def _print_file(document: dict[str, Any]) -> None:
    from rich.table import Table

    OUT.print(f"[bold]{document['file']}[/]", highlight=False, soft_wrap=True)
    if not document["readable"]:
        OUT.print(f"  [bold red]cannot be read:[/] {document['error']}", highlight=False, soft_wrap=True)
        return
    entities = ", ".join(f"{count['total']} {kind}" for kind, count in document["entities"].items())
    OUT.print(f"  unit {document['unit']} (confidence {document['unit_confidence']:.2f}); {entities}", highlight=False)
    table = Table(box=None, padding=(0, 2))
    for title in ("part", "width x height mm", "area mm2", "holes", "symmetry", "mirror image"):
        table.add_column(title, justify="left" if title == "part" else "right")
    for part in document["parts"]:
        width, height = part["bbox_mm"]
        order = "round" if part["symmetry"] == 0 else str(part["symmetry"])
        mirror = "another part" if part["chiral"] else "the same"
        table.add_row(
            part["name"],
            f"{width:.2f} x {height:.2f}",
            f"{part['area_mm2']:.1f}",
            str(len(part["holes"])),
            order,
            mirror,
        )
    OUT.print(table)
    for issue in document["issues"]:
        place = "" if issue["x_mm"] is None else f" at ({issue['x_mm']:.2f}, {issue['y_mm']:.2f})"
        style = _SEVERITY_STYLE[issue["severity"]]
        OUT.print(f"  [{style}]{issue['severity']}[/] {issue['code']}{place}: {issue['text']}", highlight=False)


def _write(
    drawings: "list[Drawing | None]", documents: list[dict[str, Any]], draw: Path | None, html: Path | None
) -> None:
    if draw is None and html is None:
        return
    from kontur.visualization.parts_page import write_page, write_pictures

    if draw is not None:
        for drawing in drawings:
            if drawing is not None:
                write_pictures(draw, drawing)
    if html is not None:
        write_page(html, drawings, documents)
