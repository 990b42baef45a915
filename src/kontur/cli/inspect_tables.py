"""What `kontur inspect` prints: a table per drawing, copies, look-alikes."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from kontur.cli.common import OUT

_STYLES = {"error": "bold red", "ambiguous": "magenta", "warning": "yellow", "info": "dim"}
_COLUMNS = (
    "part", "width x height mm", "area mm2", "holes", "diameters mm", "symmetry", "mirror image", "web mm", "smallest",
)  # fmt: skip


def print_file(document: dict[str, Any]) -> None:
    """Print the parts and issues of one drawing."""
    OUT.print(f"[bold]{escape(document['file'])}[/]", highlight=False, soft_wrap=True)
    if not document["readable"]:
        OUT.print(f"  [bold red]cannot be read:[/] {escape(document['error'])}", highlight=False, soft_wrap=True)
        return
    entities = escape(", ".join(f"{count['total']} {kind}" for kind, count in document["entities"].items()))
    OUT.print(f"  unit {document['unit']} (confidence {document['unit_confidence']:.2f}); {entities}", highlight=False)
    table = Table(box=None, padding=(0, 2))
    for title in _COLUMNS:
        table.add_column(title, justify="left" if title in ("part", "diameters mm") else "right")
    for part in document["parts"]:
        table.add_row(*_row(part))
    if document["parts"]:
        OUT.print(table)
    for issue in document["issues"]:
        place = "" if issue["x_mm"] is None else f" at ({issue['x_mm']:.2f}, {issue['y_mm']:.2f})"
        style = _STYLES[issue["severity"]]
        OUT.print(f"  [{style}]{issue['severity']}[/] {issue['code']}{place}: {escape(issue['text'])}", highlight=False)


def print_copies(classes: list[list[str]]) -> None:
    """Print which parts are the same."""
    for names in classes:
        shown = names if len(names) <= 6 else [*names[:3], "...", names[-1]]
        OUT.print(f"copies of one part, {len(names)}: {escape(', '.join(shown))}", highlight=False)


def print_look_alikes(documents: list[dict[str, Any]], mm_per_px: float) -> None:
    """Print the pairs that are hard to tell apart at a scale."""
    for like in documents:
        a, b = map(escape, like["parts"])
        side = ", one of them face down" if like["mirrored"] and a != b else ""
        pair = f"{a} face up and face down" if a == b else f"{a} and {b}{side}"
        OUT.print(
            f"[yellow]look-alikes[/] {pair}: differ by {like['difference_px']:.0f} px at {mm_per_px:g} mm/px, "
            f"{like['difference_width_px']:.1f} px wide at the widest", highlight=False,
        )  # fmt: skip


def _row(part: dict[str, Any]) -> tuple[str, ...]:
    from kontur.drawing.report import holes_in_words

    width, height = part["bbox_mm"]
    web = part["thinnest_web_mm"]
    smallest = f"{part['smallest_feature_mm']:.2f} mm, {part['smallest_feature_px']:.1f} px"
    return (
        escape(part["name"]),
        f"{width:.2f} x {height:.2f}",
        f"{part['area_mm2']:.1f}",
        str(len(part["holes"])),
        holes_in_words(part),
        "round" if part["symmetry"] == 0 else str(part["symmetry"]),
        "another part" if part["chiral"] else "the same",
        "" if web is None else f"{web:.2f}",
        smallest if part["smallest_feature_seen"] else f"[red]{smallest}, not seen[/]",
    )
