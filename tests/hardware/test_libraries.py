"""The catalogue: complete, sourced, and its page as it is written from it."""

import json
import re

import library_page
import numpy as np
import pytest

from kontur.hardware.libraries import read_catalogue, render_page
from kontur.hardware.library_tasks import (
    CONVOLUTIONS,
    DECODE,
    MAKERS,
    RESIZE,
    _jpeg,
    _onnx_stack,
    _picture,
    measure_tasks,
)

WANTED = {
    "OpenCV", "PyTorch", "ONNX Runtime", "OpenVINO", "scikit-image", "NumPy", "SciPy", "numba", "scikit-learn", "XGBoost",
    "LightGBM", "Albumentations", "MediaPipe", "LiteRT (TFLite)", "ncnn", "JAX", "Kornia", "Pillow-SIMD", "libvips",
}  # fmt: skip


def test_the_catalogue_is_complete_and_every_entry_names_its_sources():
    catalogue = read_catalogue()
    assert {entry.name for entry in catalogue} >= WANTED
    assert len({entry.name for entry in catalogue}) == len(catalogue)
    for entry in catalogue:
        assert all(url.startswith("https://") for url in entry.sources)
        assert (entry.wheel_mb is None) == (entry.wheel_version == "")


def test_tasks_belong_to_entries():
    assert set(MAKERS) <= {entry.name for entry in read_catalogue()}


def test_the_page_is_written_from_the_catalogue(tmp_path, capsys):
    assert library_page.main(["--check"]) == 0
    page = tmp_path / "libraries.md"
    assert library_page.main(["--check"], page) == 1
    assert "run: python tools/library_page.py" in capsys.readouterr().err
    assert library_page.main([], page) == 0
    assert page.read_text() == render_page()
    columns = {len(re.findall(r"(?<!\\)\|", row)) for row in page.read_text().splitlines() if row.startswith("|")}
    assert columns == {6, 7}


def test_the_command_lists_the_catalogue(run_kontur):
    rows = json.loads(run_kontur("libraries", "--json").out)
    assert {row["name"] for row in rows} >= WANTED
    assert next(row for row in rows if row["name"] == "NumPy")["installed"] == np.__version__
    assert run_kontur("libraries").code == 0


@pytest.mark.slow
def test_the_tasks_mean_the_same_with_every_library():
    """The same picture comes out, but for rounding, channel order and the border."""
    picture = _picture()
    jpeg = _jpeg(picture)
    made = {name: make(picture, jpeg) for name, (_, make) in MAKERS.items()}
    reference = made["OpenCV"][RESIZE]().astype(float)[20:-20, 20:-20]
    torch_result = made["PyTorch"][RESIZE]()[0].permute(1, 2, 0).numpy()[20:-20, 20:-20]
    assert np.abs(torch_result - reference).mean() < 1
    assert np.abs(made["SciPy"][RESIZE]()[20:-20, 20:-20] - reference).mean() < 1
    assert np.abs(np.asarray(made["Pillow"][RESIZE]())[20:-20, 20:-20] - reference).mean() < 1.5
    assert made["OpenCV"][DECODE]().shape == (3000, 4000, 3)
    for name in ("PyTorch", "ONNX Runtime", "OpenVINO"):
        assert made[name][CONVOLUTIONS]() is not None
    assert _onnx_stack().startswith(b"\x08")


def test_rows_are_measured_for_those_installed(monkeypatch):
    monkeypatch.setattr("kontur.hardware.library_tasks._picture", lambda: np.zeros((3000, 4000, 3), np.uint8))
    monkeypatch.setattr("kontur.hardware.library_tasks._ROUNDS", 1)
    makers = {"OpenCV": MAKERS["OpenCV"], "None": (("nothing_like_it",), MAKERS["OpenCV"][1])}
    monkeypatch.setattr("kontur.hardware.library_tasks.MAKERS", makers)
    rows = measure_tasks(lambda *_: None)
    assert set(rows) == {"OpenCV"}
    assert set(rows["OpenCV"]) == {RESIZE, DECODE}
    assert min(rows["OpenCV"].values()) > 0
