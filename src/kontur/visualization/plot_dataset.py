"""Plots of parts and of a data set's statistics: each function reads results and writes one picture (PNG or SVG)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from kontur.data_preprocessing.statistics import SplitStatistics
from kontur.geometry import Part
from kontur.visualization.figures import (
    INK,
    add_legend,
    describe,
    new_figure,
    save_figure,
    say_nothing_to_show,
)
from kontur.visualization.style import ACCENT, BAD, GOOD, NEUTRAL

_SPLIT_COLOURS = {"train": GOOD, "val": ACCENT, "test": BAD}
_COLUMNS = 6
_TEXT_PT = 8
_BINS = (6, 36)


def plot_parts(parts: Sequence[Part], path: Path) -> Path:
    """Plot every part at the same scale, with its datum, name, size and symmetry."""
    columns = min(_COLUMNS, max(1, len(parts)))
    rows = -(-len(parts) // columns)
    figure, axes = new_figure(1.9 * columns, 2.1 * rows, columns, rows)
    reach = max((part.radius_mm for part in parts), default=1.0) * 1.08
    for axis in axes:
        axis.set_axis_off()
    for axis, part in zip(axes, parts, strict=False):
        axis.add_patch(PathPatch(part_outline(part), facecolor="#C9D6E4", edgecolor=GOOD, linewidth=1.0))
        axis.plot(0, 0, "+", color=BAD, markersize=6)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        width, height = part.bbox_mm
        turns = "any angle" if part.symmetry == 0 else f"{part.symmetry}-fold"
        mirror = ", mirror differs" if part.chiral else ""
        axis.set_title(f"{part.name}\n{width:.1f} x {height:.1f} mm\n{turns}{mirror}", fontsize=_TEXT_PT, color=INK)
    return save_figure(figure, path)


def part_outline(part: Part) -> Outline:
    """Return a part's contours (mm, y up) as one path; outline and holes run in opposite senses, so holes stay open."""
    return Outline.make_compound_path(
        *(Outline(np.vstack([ring.points, ring.points[:1]]), closed=True) for ring in part.contours)
    )


def plot_classes(splits: Sequence[SplitStatistics], path: Path) -> Path:
    """Plot how often each part occurs, split by split on top of each other."""
    names = splits[0].part_names
    figure, (axis,) = new_figure(7.5, float(np.clip(0.24 * len(names) + 1.2, 2.2, 16)))
    describe(axis, "Instances of each part", "instances")
    left = np.zeros(len(names))
    for split in splits:
        counts = np.array([split.class_counts[name] for name in names])
        axis.barh(names, counts, left=left, height=0.65, color=_SPLIT_COLOURS[split.split], label=split.split)
        left += counts
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    add_legend(axis, "lower right")
    return save_figure(figure, path)


def plot_poses(splits: Sequence[SplitStatistics], path: Path) -> Path:
    """Plot histograms of size, scale, angle and visible fraction, and of instances and brightness of pictures."""
    figure, axes = new_figure(10.5, 5.6, columns=3, rows=2)
    panels = (
        ("Size", "square root of the visible area, px", "size_px"),
        ("Scale", "mm/px", "mm_per_px"),
        ("Angle", "degrees", "angle_deg"),
        ("Visible fraction", "", "visible_fraction"),
        ("Parts in a picture", "", "per_picture"),
        ("Brightness of pictures", "mean grey value", "brightness"),
    )
    for axis, (title, x, name) in zip(axes, panels, strict=True):
        describe(axis, title, x, "share")
        columns = {split.split: getattr(split, name) for split in splits if len(getattr(split, name))}
        if not columns:
            say_nothing_to_show(axis, "nothing to show")
            continue
        edges = _edges(list(columns.values()), whole=name == "per_picture")
        for split, values in columns.items():
            weights = np.full(len(values), 1 / len(values))
            axis.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=name == "per_picture"))
            axis.hist(values, edges, weights=weights, histtype="step", color=_SPLIT_COLOURS[split], label=split)
    add_legend(axes[0])
    return save_figure(figure, path)


def plot_positions(splits: Sequence[SplitStatistics], size_wh: tuple[int, int], path: Path) -> Path:
    """Plot where the datums lie, with the picture's border."""
    figure, (axis,) = new_figure(6.5, 0.6 + 6.0 * size_wh[1] / size_wh[0])
    describe(axis, "Datums of all instances", "u, px", "v, px")
    for split in splits:
        axis.plot(*split.uv.T, ".", markersize=2, alpha=0.5, color=_SPLIT_COLOURS[split.split], label=split.split)
    width, height = size_wh
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]]) - 0.5
    axis.plot(*corners.T, color=NEUTRAL, linewidth=1)
    axis.set_aspect("equal")
    axis.invert_yaxis()
    add_legend(axis, "upper right", marker_scale=5)
    return save_figure(figure, path)


def _edges(columns: Sequence[NDArray[np.float64]], whole: bool) -> list[float]:
    """Bin edges over all values, as many as the shortest column fills (Rice's rule); around whole numbers for counts."""
    low, high = min(float(values.min()) for values in columns), max(float(values.max()) for values in columns)
    if whole:
        return (np.arange(low, high + 2) - 0.5).tolist()
    count = int(np.clip(2 * min(len(values) for values in columns) ** (1 / 3), *_BINS))
    return np.linspace(low, high if high > low else low + 1, count + 1).tolist()
