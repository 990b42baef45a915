"""Plots of an evaluation and of a training: each function reads results and writes one picture (PNG or SVG)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from kontur.modeling.confusion import MISSED, NOTHING
from kontur.modeling.evaluation import Evaluation
from kontur.visualization.figures import (
    FAINT,
    INK,
    add_legend,
    describe,
    new_figure,
    save_figure,
    say_nothing_to_show,
)
from kontur.visualization.style import BAD, GOOD, NEUTRAL
from kontur.visualization.training_log import read_training_log

WORST_PARTS_NAMED = 3
MOST_COUNTS_WRITTEN = 64
"""Confusion matrices with more parts than this show colours only."""

_HISTOGRAM_BINS = 40
_POINT_PT = 7.5


def plot_all(evaluation: Evaluation, runs: Path, folder: Path) -> dict[str, Path]:
    """Write every plot into a folder as SVG; returns name -> path.

    Args:
        evaluation: what was found.
        runs: the workspace's models/runs; without a log there, the training's curves are left out.
        folder: where the plots go.
    """
    plots: dict[str, Callable[[Evaluation, Path], Path]] = {
        "part_precision": plot_part_precision,
        "confusion": plot_confusion,
        "precision_recall": plot_precision_recall,
        "pose_errors": plot_pose_errors,
        "reliability": plot_reliability,
        "bands": plot_bands,
    }
    written = {name: plot(evaluation, folder / f"{name}.svg") for name, plot in plots.items()}
    if read_training_log(runs):
        written["training"] = plot_training(runs, folder / "training.svg")
    return written


def plot_training(runs: Path, path: Path) -> Path:
    """Plot losses and validation metrics over steps from Lightning's CSV log of the newest run.

    Args:
        runs: the workspace's models/runs.
        path: what to write.
    """
    log = read_training_log(runs)
    figure, axes = new_figure(10.5, 3.3, columns=3)
    panels = (
        ("Loss", ("train/loss", "val/loss"), "loss"),
        ("Validation: 1 is perfect", ("val/foreground_iou", "val/part_accuracy"), ""),
        ("Validation: offset to the datum", ("val/offset_px",), "px"),
    )
    for axis, (title, names, y) in zip(axes, panels, strict=True):
        shown = [name for name in names if name in log]
        for name, colour in zip(shown, (GOOD, BAD), strict=False):
            steps, values = log[name]
            marker = "o" if name.startswith("val/") else ""
            label = name.replace("val/", "").replace("_", " ") if y != "loss" else name.replace("/", " ")
            axis.plot(steps, values, color=colour, marker=marker, markersize=3, linewidth=1.3, label=label)
        describe(axis, title, "step", y)
        if len(shown) > 1:
            add_legend(axis)
        if not shown:
            say_nothing_to_show(axis, "not in the log")
    axes[1].set_ylim(0, 1.02)
    axes[2].set_ylim(bottom=0)
    _scale_losses(axes[0], [value for name in panels[0][1] if name in log for value in log[name][1]])
    return save_figure(figure, path)


def _scale_losses(axis: Axes, losses: Sequence[float]) -> None:
    """A logarithmic axis where losses span a decade or more (and are positive), else one from 0."""
    if losses and min(losses) > 0 and max(losses) > 10 * min(losses):
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    elif losses and min(losses) > 0:
        axis.set_ylim(0, 1.05 * max(losses))


def plot_precision_recall(evaluation: Evaluation, path: Path) -> Path:
    """Plot precision over recall at each stored IoU: every part thin, the mean bold, the worst parts named."""
    figure, axes = new_figure(9, 3.8, columns=len(evaluation.curves))
    recall = np.linspace(0, 1, 101)
    for axis, curve in zip(axes, evaluation.curves, strict=True):
        describe(axis, f"Precision and recall at IoU {curve.iou:g}", "recall", "precision")
        axis.set(xlim=(0, 1.01), ylim=(0, 1.03))
        if not curve.parts:
            say_nothing_to_show(axis, "no parts to be found")
            continue
        by_mean = sorted(curve.parts, key=lambda name: float(np.mean(curve.parts[name])))
        worst = [name for name in by_mean[:WORST_PARTS_NAMED] if np.mean(curve.parts[name]) < 0.995]
        for name in by_mean[len(worst) :]:
            axis.plot(recall, curve.parts[name], color=NEUTRAL, linewidth=0.7, alpha=0.6)
        for name, style in zip(worst, ("-", "--", ":"), strict=False):
            axis.plot(recall, curve.parts[name], color=BAD, linestyle=style, linewidth=1.2, label=name)
        axis.plot(recall, curve.mean, color=GOOD, linewidth=2.2, label="mean of parts")
        add_legend(axis, "lower left")
    return save_figure(figure, path)


def plot_confusion(evaluation: Evaluation, path: Path) -> Path:
    """Plot what was there (rows) against what was said (columns); colours are shares of the row."""
    counts = np.array(evaluation.confusion.counts)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    size = len(counts)
    side = float(np.clip(0.42 * size + 1.6, 4.2, 13))
    figure, (axis,) = new_figure(side + 0.6, side)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    names = evaluation.confusion.names
    text_pt = float(np.clip(0.55 * 72 * (side - 1.6) / size, 4, 9))
    axis.set_xticks(range(size), [*names, MISSED], rotation=90, fontsize=text_pt)
    axis.set_yticks(range(size), [*names, NOTHING], fontsize=text_pt)
    axis.axhline(size - 1.5, color=FAINT, linewidth=0.8)
    axis.axvline(size - 1.5, color=FAINT, linewidth=0.8)
    if size <= MOST_COUNTS_WRITTEN:
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.55 else INK
            weight = "normal" if row == column else "bold"
            axis.text(
                column,
                row,
                counts[row, column],
                ha="center",
                va="center",
                fontsize=text_pt,
                color=colour,
                fontweight=weight,
            )
    describe(axis, "Confusion: counts, coloured by share of the row", "said", "there")
    return save_figure(figure, path)


def plot_part_precision(evaluation: Evaluation, path: Path) -> Path:
    """Plot each part's average precision: a bar for AP50-95, a dot for AP50; the poorest part on top."""
    rows = sorted(
        (row for row in evaluation.rows if row.precision.ap is not None),
        key=lambda row: row.precision.ap or 0.0,
        reverse=True,
    )
    figure, (axis,) = new_figure(7, float(np.clip(0.24 * len(rows) + 1.1, 2, 16)))
    describe(axis, "Average precision of masks, by part", "average precision", "")
    axis.set_xlim(0, 1.01)
    if not rows:
        say_nothing_to_show(axis, "no parts to be found")
        return save_figure(figure, path)
    at = np.arange(len(rows))
    axis.barh(at, [row.precision.ap or 0.0 for row in rows], height=0.62, color=GOOD, label="AP50-95")
    axis.plot(
        [row.precision.ap50 or 0.0 for row in rows], at, "o", color=BAD, markersize=5, label="AP50", clip_on=False
    )
    axis.set_yticks(at, [f"{row.part}  ({row.instances})" for row in rows])
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.grid(False, axis="y")
    figure.legend(
        *axis.get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False, fontsize=_POINT_PT + 1
    )
    return save_figure(figure, path)


def plot_pose_errors(evaluation: Evaluation, path: Path) -> Path:
    """Plot histograms of position, angle and scale errors of correctly named parts, with median and 95th percentile."""
    figure, axes = new_figure(10.5, 3.1, columns=3)
    panels = (
        ("Position", "px", "position_px", 1.0),
        ("Angle", "degrees", "angle_deg", 1.0),
        ("Scale", "per cent", "scale", 100.0),
    )
    for axis, (title, unit, name, factor) in zip(axes, panels, strict=True):
        values = [getattr(match, name) for match in evaluation.matches if match.part == match.said]
        describe(axis, f"{title} error", unit, "parts" if name == "position_px" else "")
        _draw_histogram(axis, factor * np.array([value for value in values if value is not None], float))
    return save_figure(figure, path)


def _draw_histogram(axis: Axes, values: np.ndarray) -> None:
    """Histogram up to twice the 95th percentile; what lies beyond is counted in words."""
    if not len(values):
        say_nothing_to_show(axis, "no poses to compare")
        return
    median, p95 = np.percentile(values, [50, 95])
    limit = 2 * float(p95) or 1.0
    axis.hist(values[values <= limit], bins=_HISTOGRAM_BINS, range=(0, limit), color=GOOD, alpha=0.85)
    axis.axvline(median, color=INK, linewidth=1.2, label=f"median {median:.3g}")
    axis.axvline(p95, color=BAD, linewidth=1.2, linestyle="--", label=f"95 % below {p95:.3g}")
    beyond = int((values > limit).sum())
    axis.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axis.set_xlim(0, limit)
    if beyond:
        text = f"{beyond} beyond,\nup to {values.max():.3g}"
        axis.text(0.99, 0.97, text, transform=axis.transAxes, ha="right", va="top", fontsize=_POINT_PT, color=FAINT)
    add_legend(axis, "below")


def plot_reliability(evaluation: Evaluation, path: Path) -> Path:
    """Plot the fraction of right detections over their score, and how many there are in each range."""
    table = evaluation.reliability
    figure, axes = new_figure(9, 3.6, columns=2)
    shown = [(row.score_mean, row.right) for row in table.bins if row.score_mean is not None and row.right is not None]
    left, right = axes
    describe(left, "Reliability of scores", "score", "fraction right")
    left.set(xlim=(0, 1), ylim=(0, 1.03))
    left.plot([0, 1], [0, 1], color=NEUTRAL, linestyle="--", linewidth=1, label="as good as said")
    left.plot(*np.array(shown).reshape(-1, 2).T, "o-", color=GOOD, label="measured")
    add_legend(left, "upper left")
    describe(right, "Detections by score", "score", "detections")
    middles = [(row.low + row.high) / 2 for row in table.bins]
    right.bar(middles, [row.count for row in table.bins], width=0.09, color=NEUTRAL, label="wrong")
    counts = [row.count * (row.right or 0.0) for row in table.bins]
    right.bar(middles, counts, width=0.09, color=GOOD, label="right")
    right.set_xlim(0, 1)
    right.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if table.best_threshold is not None:
        right.axvline(table.best_threshold, color=BAD, linewidth=1.2, linestyle="--", label="greatest F1")
    add_legend(right, "upper left")
    return save_figure(figure, path)


def plot_bands(evaluation: Evaluation, path: Path) -> Path:
    """Plot the fraction found (and named rightly) by size and by visible fraction."""
    figure, axes = new_figure(9, 2.9, columns=2)
    sizes = [(_size_range(band.low, band.high), band) for band in evaluation.by_size]
    fractions = [(f"{100 * band.low:.0f}-{band.high:.0%}", band) for band in evaluation.by_visibility]
    panels = (
        ("size (square root of the visible area, px)", sizes),
        ("fraction of the part that can be seen", fractions),
    )
    for axis, (x, bands) in zip(axes, panels, strict=True):
        bands = [(name, band) for name, band in bands if band.instances]
        describe(axis, "Found and named rightly", x, "")
        if not bands:
            say_nothing_to_show(axis, "not known")
            continue
        bars = axis.bar([name for name, _ in bands], [band.recall or 0.0 for _, band in bands], width=0.6, color=GOOD)
        texts = [f"{band.recall or 0.0:.1%}\nof {band.instances}" for _, band in bands]
        axis.bar_label(bars, texts, fontsize=_POINT_PT, color=INK, padding=2)
        axis.set_ylim(0, 1.28)
        axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        axis.grid(False, axis="x")
        axis.set_xlim(-0.7, max(2.7, len(bands) - 0.3))
    return save_figure(figure, path)


def _size_range(low: float, high: float | None) -> str:
    return f"{low:.0f} or more" if high is None else f"{low:.0f} to {high:.0f}"
