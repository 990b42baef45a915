"""The catalogue: complete, every fact sourced or said to be unknown, and its page as it is written from it."""

import json
import re
from datetime import date
from importlib.util import find_spec
from itertools import groupby

import library_page
import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from kontur.hardware.libraries import CATALOGUE, Entry, Fact, Wheel, looked_up, read_catalogue
from kontur.hardware.library_tasks import (
    CONVOLUTIONS,
    DECODE,
    MAKERS,
    RESIZE,
    _field,
    _jpeg,
    _picture,
    _weights,
    measure_tasks,
)

WANTED = {
    "OpenCV", "PyTorch", "ONNX Runtime", "OpenVINO", "scikit-image", "NumPy", "SciPy", "numba", "scikit-learn", "XGBoost",
    "LightGBM", "Albumentations", "AlbumentationsX", "MediaPipe", "LiteRT (TFLite)", "ncnn", "JAX", "Kornia", "Pillow-SIMD",
    "libvips", "TensorFlow", "ExecuTorch", "Ultralytics", "Detectron2", "MMDetection", "simplejpeg", "PyTurboJPEG",
    "imagecodecs",
}  # fmt: skip
FACTS = ("role", "licence", "processor", "threads", "gil")
ADDRESS = re.compile(r"https://[a-z0-9.-]+\.[a-z]+/[^\s|()]*")


def raw_entries() -> list[dict]:
    """The data file as any reader of YAML sees it."""
    return yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["libraries"]


def entry_section(page: str, name: str) -> str:
    return page.split(f"\n### {name}\n")[1].split("\n#")[0]


def test_the_catalogue_is_complete():
    names = [entry["name"] for entry in raw_entries()]
    assert set(names) >= WANTED
    assert len(set(names)) == len(names)
    kinds = [entry["kind"] for entry in raw_entries()]
    assert len(set(kinds)) == len([kind for kind, _ in groupby(kinds)]), "a kind stands in one place"


@pytest.mark.parametrize("entry", raw_entries(), ids=lambda entry: entry["name"])
def test_every_fact_has_a_source_or_is_stated_unknown(entry):
    for name in FACTS:
        fact = entry[name]
        assert fact == {} or (fact["says"].strip() and fact["sources"]), f"{name}: {fact}"
    assert entry["wheel"]["sources"]
    for name in (*FACTS, "wheel", "choose", "avoid"):
        for address in entry[name].get("sources", ()):
            assert ADDRESS.fullmatch(address), f"{name}: {address}"


@pytest.mark.parametrize("entry", raw_entries(), ids=lambda entry: entry["name"])
def test_the_page_shows_every_fact_with_its_sources(entry):
    section = entry_section(library_page.PAGE.read_text(encoding="utf-8"), entry["name"])
    lines = section.strip().splitlines()
    for name, title in zip(FACTS, ("For", "Licence", "Processor", "Threads", "Interpreter lock"), strict=True):
        line = next(line for line in lines if line.startswith(f"- {title}: "))
        assert entry[name].get("says", "unknown") in line
        assert re.findall(r"\]\((https://[^)]+)\)", line) == entry[name].get("sources", [])
    for name in ("choose", "avoid"):
        assert any(entry[name]["says"] in line for line in lines if line.startswith("- **"))


@pytest.mark.parametrize("entry", read_catalogue(), ids=lambda entry: entry.name)
def test_a_wheel_is_named_with_its_version(entry):
    wheel = entry.wheel
    assert wheel.mb is None or wheel.version
    assert wheel.mb is None or 0 < wheel.mb < 1000
    pinned = [url for url in wheel.sources if re.search(r"pypi\.org/project/[^/]+/\d", url)]
    assert all(wheel.version.removesuffix("+cpu") in url for url in pinned)


def test_copyleft_is_told():
    licences = {entry.name: entry.licence.says for entry in read_catalogue()}
    assert {name for name, says in licences.items() if "AGPL" in says} == {"Ultralytics", "AlbumentationsX"}
    assert {name for name, says in licences.items() if "LGPL" in says} == {"OpenCV", "libvips"}


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (Fact, {"says": "fast"}),
        (Fact, {"says": "", "sources": ["https://example.org/"]}),
        (Fact, {"sources": ["https://example.org/"]}),
        (Fact, {"says": "fast", "sources": ["http://example.org/"]}),
        (Fact, {"says": "fast", "sources": ["from use"]}),
        (Fact, {"says": "fast", "sources": ["https://example.org/"], "guess": True}),
        (Wheel, {"mb": 1, "version": "1", "released": "", "platforms": "", "sources": []}),
        (Wheel, {"mb": 1, "version": "1", "released": "May", "platforms": "", "sources": ["https://example.org/"]}),
        (Entry, {"name": "nothing else"}),
    ],
)
def test_a_fact_without_a_source_is_refused(model, wrong):
    with pytest.raises(ValidationError):
        model.model_validate(wrong)


def test_an_unknown_fact_says_nothing_and_names_nothing():
    assert Fact.model_validate({}) == Fact(says=None, sources=())


def test_the_day_of_looking_up_is_a_day():
    assert date.fromisoformat(looked_up()) <= date.today()


def test_tasks_belong_to_entries():
    assert set(MAKERS) <= {entry.name for entry in read_catalogue()}


def test_the_page_is_written_from_the_catalogue(tmp_path, capsys):
    assert library_page.main(["--check"]) == 0
    page = tmp_path / "libraries.md"
    assert library_page.main(["--check"], page) == 1
    assert "run: python tools/library_page.py" in capsys.readouterr().err
    assert library_page.main([], page) == 0
    assert page.read_text() == library_page.render_page()
    columns = {len(re.findall(r"(?<!\\)\|", row)) for row in page.read_text().splitlines() if row.startswith("|")}
    assert columns == {5}


def test_the_command_lists_the_catalogue(run_kontur):
    rows = json.loads(run_kontur("libraries", "--json").out)
    assert {row["name"] for row in rows} >= WANTED
    numpy_row = next(row for row in rows if row["name"] == "NumPy")
    assert numpy_row["installed"] == np.__version__
    assert numpy_row["gil"]["sources"][0].startswith("https://")
    unknown = next(row for row in rows if row["name"] == "TensorFlow")["gil"]
    assert unknown == {"says": None, "sources": []}


def test_the_command_prints_the_catalogue(run_kontur):
    done = run_kontur("libraries")
    assert done.code == 0
    assert "OpenCV" in done.out


@pytest.fixture(scope="module")
def made():
    """The tasks of the libraries that are installed, by library, and the picture they work on."""
    picture = _picture()
    jpeg = _jpeg(picture)
    present = {name: make for name, (needs, make) in MAKERS.items() if all(map(find_spec, needs))}
    return picture, {name: make(picture, jpeg) for name, make in present.items()}


def as_bgr(result):
    """A result as an array of rows, columns, colours."""
    if type(result).__module__.startswith("torch"):
        result = result[0].permute(1, 2, 0).numpy()
    return np.asarray(result).astype(float)


@pytest.mark.slow
def test_resizing_means_the_same_with_every_library(made):
    """Each takes the mean of 4 x 4 pixels and blurs it; borders are treated differently."""
    picture, tasks = made
    means = picture.reshape(750, 4, 1000, 4, 3).mean((1, 3))
    reach = np.arange(-8, 9)
    taps = np.exp(-0.5 * (reach / 2.0) ** 2)
    taps /= taps.sum()
    blurred = sum(weight * np.roll(means, shift, 0) for weight, shift in zip(taps, reach, strict=True))
    expected = sum(weight * np.roll(blurred, shift, 1) for weight, shift in zip(taps, reach, strict=True))
    able = {name: rows[RESIZE] for name, rows in tasks.items() if RESIZE in rows}
    assert set(able) >= {"OpenCV", "Pillow", "SciPy", "PyTorch"}
    for name, run in able.items():
        assert np.abs(as_bgr(run()) - expected)[20:-20, 20:-20].mean() < 1, name


@pytest.mark.slow
def test_decoding_gives_the_same_picture_with_every_library(made):
    picture, tasks = made
    able = {name: rows[DECODE] for name, rows in tasks.items() if DECODE in rows}
    assert set(able) >= {"OpenCV", "Pillow"}
    for name, run in able.items():
        decoded = run()
        if name == "Pillow":  # decodes into a picture of its own
            assert decoded is not None
            continue
        pixels = as_bgr(decoded)
        assert pixels.shape == picture.shape, name
        turned = pixels if name in {"OpenCV", "simplejpeg"} else pixels[..., ::-1]
        assert np.abs(turned - picture).mean() < 6, name


def layered(field, weights, layers):
    """The middle of a picture after some 3 x 3 convolutions, by sums over windows."""
    for _ in range(layers):
        windows = np.lib.stride_tricks.sliding_window_view(field, (3, 3), (1, 2))
        field = np.einsum("iyxab,oiab->oyx", windows, weights, optimize=True)
    return field


@pytest.mark.slow
def test_convolutions_give_the_same_with_every_library(made):
    _, tasks = made
    able = {name: rows[CONVOLUTIONS] for name, rows in tasks.items() if CONVOLUTIONS in rows}
    assert set(able) >= {"OpenCV", "PyTorch", "ONNX Runtime", "OpenVINO"}
    expected = layered(_field()[0, :, 96:144, 136:184].astype(float), _weights().astype(float), 4)
    for name, run in able.items():
        result = run()
        array = np.asarray(result if hasattr(result, "shape") else result[0])
        assert array.shape == (1, 32, 240, 320), name
        assert np.abs(array[0, :, 100:140, 140:180] - expected).max() < 1e-3 * np.abs(expected).max(), name


def test_rows_are_measured_for_those_installed(monkeypatch):
    monkeypatch.setattr("kontur.hardware.library_tasks._picture", lambda: np.zeros((3000, 4000, 3), np.uint8))
    monkeypatch.setattr("kontur.hardware.library_tasks._ROUNDS", 1)
    makers = {"OpenCV": MAKERS["OpenCV"], "None": (("nothing_like_it",), MAKERS["OpenCV"][1])}
    monkeypatch.setattr("kontur.hardware.library_tasks.MAKERS", makers)
    rows = measure_tasks(lambda *_: None)
    assert set(rows) == {"OpenCV"}
    assert set(rows["OpenCV"]) == {RESIZE, CONVOLUTIONS, DECODE}
    assert min(rows["OpenCV"].values()) > 0
