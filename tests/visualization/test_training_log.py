"""The log of a training read back, over interruptions and repeats."""

import csv

import pytest

from kontur.visualization.training_log import read_training_log


def write_log(folder, name, rows):
    (folder / name).mkdir(parents=True)
    columns = sorted({column for row in rows for column in row})
    with (folder / name / "metrics.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, columns)
        table.writeheader()
        table.writerows(rows)


def losses(*steps, offset=0.0):
    return [{"step": step, "epoch": step // 100, "loss": offset + step / 1000} for step in steps]


def test_no_runs_are_no_curves(tmp_path):
    assert read_training_log(tmp_path / "runs") == {}


def test_every_column_is_a_curve_over_its_own_steps(tmp_path):
    rows = losses(9, 19, 29)
    rows[1]["val_loss"] = 0.5
    write_log(tmp_path, "run_1", rows)
    assert read_training_log(tmp_path) == {
        "loss": ([9, 19, 29], pytest.approx([0.009, 0.019, 0.029])),
        "val_loss": ([19], [0.5]),
    }


def test_a_column_that_is_always_empty_is_no_curve(tmp_path):
    write_log(tmp_path, "run_1", [{"step": 9, "loss": 0.1, "lr": ""}])
    assert list(read_training_log(tmp_path)) == ["loss"]


def test_rows_without_a_step_are_left_out(tmp_path):
    write_log(tmp_path, "run_1", [*losses(9), {"step": "", "loss": 7.0}])
    assert read_training_log(tmp_path)["loss"] == ([9], [0.009])


def test_a_fresh_run_hides_the_runs_before(tmp_path):
    write_log(tmp_path, "run_1", losses(9, 99, 199, offset=5))
    write_log(tmp_path, "run_2", losses(9, 19))
    assert read_training_log(tmp_path)["loss"] == ([9, 19], pytest.approx([0.009, 0.019]))


def test_a_continued_run_follows_what_the_earlier_one_had_reached_before_it(tmp_path):
    """Steps that the interrupted run had logged after its last checkpoint are taken from the run that repeated them."""
    write_log(tmp_path, "run_1", losses(9, 99, 199, 299, offset=5))
    write_log(tmp_path, "run_2", losses(199, 399))
    steps, values = read_training_log(tmp_path)["loss"]
    assert steps == [9, 99, 199, 399]
    assert values == pytest.approx([5.009, 5.099, 0.199, 0.399])


def test_two_interruptions_are_followed_to_the_start_and_no_further(tmp_path):
    write_log(tmp_path, "run_0", losses(9, 19, offset=9))
    write_log(tmp_path, "run_1", losses(9, 99))
    write_log(tmp_path, "run_2", losses(199, 299))
    write_log(tmp_path, "run_3", losses(399))
    steps, values = read_training_log(tmp_path)["loss"]
    assert steps == [9, 99, 199, 299, 399]
    assert values == pytest.approx([step / 1000 for step in steps])


def test_a_continued_run_that_logged_nothing_keeps_the_earlier_curves(tmp_path):
    write_log(tmp_path, "run_1", losses(9, 99))
    (tmp_path / "run_2").mkdir()
    (tmp_path / "run_2" / "metrics.csv").write_text("step,epoch,loss\n")
    assert read_training_log(tmp_path)["loss"][0] == [9, 99]
