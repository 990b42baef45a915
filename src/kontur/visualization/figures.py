"""The common look of all plots, and how they are written. Figures are built without matplotlib's global state."""

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kontur.files import atomic_path

INK, FAINT, GRID = "#22262B", "#6B7280", "#E3E6EA"
_TITLE_PT, _TEXT_PT = 11, 9
_DPI = 144


def new_figure(width_in: float, height_in: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row, in the common look."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes:
        style_axes(axis)
    return figure, axes


def style_axes(axis: Axes) -> None:
    """Thin spines left and below, a light grid, small dark text."""
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    axis.grid(True, color=GRID, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(colors=FAINT, labelcolor=INK, labelsize=_TEXT_PT, length=3)


def describe(axis: Axes, title: str, x: str = "", y: str = "") -> None:
    """Write a title and the names of both axes."""
    axis.set_title(title, fontsize=_TITLE_PT, color=INK, loc="left", fontweight="bold")
    axis.set_xlabel(x, fontsize=_TEXT_PT, color=INK)
    axis.set_ylabel(y, fontsize=_TEXT_PT, color=INK)


def add_legend(axis: Axes, place: str = "best", marker_scale: float = 1.0) -> None:
    """Add a legend without a frame at matplotlib's place of that name, or below the axes ("below")."""
    if place == "below":
        where: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2}
    else:
        where = {"loc": place}
    axis.legend(fontsize=_TEXT_PT, frameon=False, labelcolor=INK, markerscale=marker_scale, **where)


def say_nothing_to_show(axis: Axes, why: str) -> None:
    """Write why an axis stays empty in its middle."""
    axis.text(0.5, 0.5, why, transform=axis.transAxes, ha="center", va="center", fontsize=_TEXT_PT, color=FAINT)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(False)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG or SVG (by the suffix), the same bytes every time, and return the path."""
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with atomic_path(path) as temporary, rc_context({"svg.hashsalt": "kontur"}):  # otherwise SVG's ids are random
        figure.savefig(temporary, dpi=_DPI, metadata=metadata)
    return path
