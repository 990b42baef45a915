"""Plots show the numbers they were given, cope with nothing, and are the same bytes every time."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely
from evaluated import NAMES, evaluation, nothing_found, parts
from matplotlib.figure import Figure

from kontur.data_preprocessing.statistics import SplitStatistics
from kontur.visualization import plot_dataset, plot_results
from kontur.visualization.training_log import read_training_log

RESULT_PLOTS = (
    plot_results.plot_part_precision,
    plot_results.plot_confusion,
    plot_results.plot_precision_recall,
    plot_results.plot_pose_errors,
    plot_results.plot_reliability,
    plot_results.plot_bands,
)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Call a plot function and return the figure that it would have saved."""
    figures: list[Figure] = []
    for module in (plot_results, plot_dataset):
        monkeypatch.setattr(module, "save_figure", lambda figure, path: figures.append(figure) or path)

    def draw(function, *arguments) -> Figure:
        assert function(*arguments, tmp_path / "plot.svg") == tmp_path / "plot.svg"
        return figures[-1]

    return draw


def texts(figure: Figure) -> set[str]:
    found = {text.get_text() for axis in figure.axes for text in axis.texts}
    found |= {label.get_text() for axis in figure.axes for label in (*axis.get_xticklabels(), *axis.get_yticklabels())}
    for legend in [*figure.legends, *(axis.get_legend() for axis in figure.axes)]:
        found |= {text.get_text() for text in legend.get_texts()} if legend else set()
    return found


@pytest.mark.parametrize("plot", RESULT_PLOTS, ids=lambda plot: plot.__name__)
@pytest.mark.parametrize(("make", "suffix"), [(evaluation, ".svg"), (nothing_found, ".png")], ids=["some", "nothing"])
def test_every_plot_is_a_valid_file(tmp_path, plot, make, suffix):
    path = plot(make(), tmp_path / f"plot{suffix}")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    if suffix == ".svg":
        assert ET.parse(path).getroot().tag.endswith("svg")
    else:
        height, width = cv2.imread(str(path)).shape[:2]
        assert min(height, width) > 200
        assert height != width


def test_plots_are_the_same_bytes_every_time(tmp_path):
    for suffix in (".svg", ".png"):
        first, second = (
            plot_results.plot_reliability(evaluation(), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab"
        )
        assert first == second


def test_bars_are_the_precision_of_the_parts_the_poorest_on_top(drawn):
    axis = drawn(plot_results.plot_part_precision, evaluation()).axes[0]
    widths = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in axis.patches}
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert [labels[k] for k in sorted(widths)] == [f"{NAMES[1]}  (13)", f"{NAMES[0]}  (20)"]
    assert [widths[k] for k in sorted(widths)] == [0.9, 0.5]
    (dots,) = axis.lines
    np.testing.assert_allclose(dots.get_xdata(), [1.0, 0.6])


def test_the_confusion_matrix_shows_counts_and_shares_of_rows(drawn):
    figure = drawn(plot_results.plot_confusion, evaluation())
    (image,) = figure.axes[0].images
    shares = np.asarray(image.get_array())
    np.testing.assert_allclose(shares[0], [0.95, 0.05, 0, 0])
    np.testing.assert_allclose(shares[2], 0)
    written = {(text.get_position()): text.get_text() for text in figure.axes[0].texts}
    assert written == {(0, 0): "19", (1, 0): "1", (1, 1): "12", (3, 1): "1", (1, 3): "1"}
    assert {*NAMES, "missed", "nothing there"} <= texts(figure)


def test_a_large_confusion_matrix_shows_colours_only(drawn):
    size = plot_results.MOST_COUNTS_WRITTEN
    names = tuple(f"part {k}" for k in range(size))
    counts = tuple(tuple(int(row == column) for column in range(size + 1)) for row in range(size + 1))
    confusion = evaluation().confusion.model_copy(update={"names": names, "counts": counts})
    figure = drawn(plot_results.plot_confusion, evaluation().model_copy(update={"confusion": confusion}))
    assert not figure.axes[0].texts
    assert figure.get_size_inches().max() < 15


def test_precision_recall_shows_parts_and_their_mean(drawn):
    figure = drawn(plot_results.plot_precision_recall, evaluation())
    assert len(figure.axes) == 2
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["mean of parts"].get_ydata(), evaluation().curves[0].mean)
    assert NAMES[0] in lines
    assert NAMES[1] not in lines  # perfect parts are not named as the poorest


def test_histograms_count_what_lies_beyond(drawn):
    """31 positions, one of them 40 px off: 30 in the bars, one in words."""
    figure = drawn(plot_results.plot_pose_errors, evaluation())
    position, angle, _ = figure.axes
    assert sum(bar.get_height() for bar in position.patches) == 30
    assert any("1 beyond" in text.get_text() for text in position.texts)
    values = [match.angle_deg for match in evaluation().matches if match.angle_deg is not None]
    assert f"median {np.median(values):.3g}" in {text.get_text() for text in angle.get_legend().get_texts()}


def test_the_reliability_plot_shows_filled_bins_and_counts(drawn):
    left, right = drawn(plot_results.plot_reliability, evaluation()).axes
    measured = next(line for line in left.lines if line.get_label() == "measured")
    np.testing.assert_allclose(measured.get_xydata(), [[0.25, 0.25], [0.85, 0.9]])
    heights = [bar.get_height() for bar in right.patches]
    assert heights[:10] == [0, 0, 4, 0, 0, 0, 0, 0, 30, 0]
    assert heights[10:] == [0, 0, 1, 0, 0, 0, 0, 0, 27, 0]


def test_bands_without_instances_are_left_out(drawn):
    by_size, by_visibility = drawn(plot_results.plot_bands, evaluation()).axes
    assert [bar.get_height() for bar in by_size.patches] == [0.94]
    assert by_size.get_xticklabels()[0].get_text() == "24 or more"
    assert by_visibility.get_xticklabels()[0].get_text() == "95-100%"


def test_no_global_figures_are_made(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from evaluated import evaluation;"
        "from kontur.visualization.plot_results import plot_all;"
        "print(sorted(plot_all(evaluation(), Path('nowhere'), Path(sys.argv[2]))));"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    here = str(__import__("pathlib").Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", script, here, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "'confusion'" in done.stdout
    assert "training" not in done.stdout


# --- training logs ---------------------------------------------------------------------------------------------------


def write_log(folder, name, steps, start=5.0):
    path = folder / name / "metrics.csv"
    path.parent.mkdir(parents=True)
    rows = ["epoch,step,train/loss,val/loss,val/part_accuracy"]
    for step in steps:
        rows.append(f"0,{step},{start / (1 + step):.6f},,")
        if step % 100 == 99:
            rows.append(f"0,{step},,{start / (2 + step):.6f},{step / 1000}")
    path.write_text("\n".join(rows) + "\n")


def test_a_training_log_is_read_column_by_column(tmp_path):
    write_log(tmp_path, "run_000", range(9, 300, 10))
    log = read_training_log(tmp_path)
    assert log["train/loss"][0] == list(range(9, 300, 10))
    assert log["train/loss"][1][0] == pytest.approx(0.5)
    assert log["val/part_accuracy"] == ([99, 199, 299], [0.099, 0.199, 0.299])
    assert "epoch" not in log


def test_a_continued_training_shows_what_came_before(tmp_path):
    write_log(tmp_path, "run_000", range(9, 300, 10), start=99.0)  # another training, long ago
    write_log(tmp_path, "run_001", range(9, 300, 10))
    write_log(tmp_path, "run_002", range(209, 500, 10))  # went on from step 200
    steps, values = read_training_log(tmp_path)["train/loss"]
    assert steps == list(range(9, 500, 10))
    assert values[0] == pytest.approx(0.5)


def test_a_fresh_training_hides_older_ones(tmp_path):
    write_log(tmp_path, "run_000", range(9, 900, 10))
    write_log(tmp_path, "run_001", range(9, 100, 10))
    assert read_training_log(tmp_path)["train/loss"][0] == list(range(9, 100, 10))


def test_no_log_no_curves(tmp_path):
    assert read_training_log(tmp_path) == {}
    assert read_training_log(tmp_path / "nowhere") == {}


def test_training_curves_are_plotted(tmp_path, drawn):
    write_log(tmp_path, "run_000", range(9, 300, 10))
    figure = drawn(plot_results.plot_training, tmp_path)
    loss, quality, offset = figure.axes
    assert {line.get_label() for line in loss.lines} == {"train loss", "val loss"}
    np.testing.assert_allclose(quality.lines[0].get_ydata(), [0.099, 0.199, 0.299])
    assert "not in the log" in {text.get_text() for text in offset.texts}


@pytest.mark.parametrize(("start", "last", "scale"), [(5.0, 300, "log"), (5.0, 20, "linear"), (-5.0, 300, "linear")])
def test_losses_get_a_logarithmic_axis_when_they_span_a_decade(tmp_path, drawn, start, last, scale):
    write_log(tmp_path, "run_000", range(9, last, 10), start)
    assert drawn(plot_results.plot_training, tmp_path).axes[0].get_yscale() == scale


def test_all_plots_with_a_training(tmp_path):
    write_log(tmp_path / "runs", "run_000", range(9, 300, 10))
    written = plot_results.plot_all(evaluation(), tmp_path / "runs", tmp_path / "plots")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {path.name for path in written.values()}
    assert "training" in written


# --- parts and data sets ---------------------------------------------------------------------------------------------


def statistics(split="train", count=50, seed=0) -> SplitStatistics:
    rng = np.random.default_rng(seed)
    return SplitStatistics(
        split, 12, NAMES, rng.integers(0, 9, 12), rng.integers(0, 3, count), rng.uniform(20, 80, count),
        rng.uniform(0.2, 1, count), rng.uniform(0, 360, count), rng.uniform(0.5, 0.9, count), rng.uniform(size=count) < 0.5,
        rng.uniform(0, 300, (count, 2)), rng.uniform(50, 180, 12), rng.uniform(5, 30, 12),
    )  # fmt: skip


def test_outlines_of_parts_have_their_area():
    """Area of the path by the shoelace formula over its rings, holes running the other way."""
    for part in parts():
        rings = plot_dataset.part_outline(part).to_polygons()
        signed = sum(
            0.5 * np.sum(r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]) for r in (np.asarray(ring) for ring in rings)
        )
        assert signed == pytest.approx(part.polygon.area, rel=1e-6)
        assert shapely.Polygon(rings[0]).bounds == pytest.approx(part.outer.bounds_mm)


def test_every_part_is_plotted_at_the_same_scale(drawn):
    figure = drawn(plot_dataset.plot_parts, parts())
    assert len({axis.get_xlim() for axis in figure.axes}) == 1
    assert [axis.get_title().split("\n")[0] for axis in figure.axes] == list(NAMES)
    assert "any angle" in figure.axes[1].get_title()
    assert "mirror differs" in figure.axes[2].get_title()


def test_class_counts_are_stacked(drawn):
    splits = [statistics("train", 50), statistics("val", 20, 1)]
    axis = drawn(plot_dataset.plot_classes, splits).axes[0]
    totals = np.zeros(3)
    for bar in axis.patches:
        totals[round(bar.get_y() + bar.get_height() / 2)] += bar.get_width()
    expected = [sum(split.class_counts[name] for split in splits) for name in NAMES]
    np.testing.assert_allclose(totals, expected)


def test_dataset_plots_cope_with_an_empty_split(tmp_path):
    splits = [statistics(), statistics("val", 0), replace(statistics("test", 0), per_picture=np.zeros(0, np.int64))]
    for plot in (plot_dataset.plot_classes, plot_dataset.plot_poses):
        assert cv2.imread(str(plot(splits, tmp_path / "plot.png"))) is not None
    assert plot_dataset.plot_positions(splits, (300, 180), tmp_path / "plot.png").is_file()


def test_positions_lie_in_the_pictures_frame(drawn):
    figure = drawn(lambda path: plot_dataset.plot_positions([statistics()], (300, 180), path))
    axis = figure.axes[0]
    assert axis.yaxis_inverted()
    np.testing.assert_allclose(axis.lines[0].get_xydata(), statistics().uv)
    np.testing.assert_allclose(axis.lines[1].get_xydata().max(axis=0), [299.5, 179.5])
