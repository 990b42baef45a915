"""Every runtime and precision answers as the network itself does, from several threads at once."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from network_files import make_models, pictures, reference

from kontur.errors import ModelError
from kontur.modeling.model_files import find_model
from kontur.modeling.openvino_files import write_openvino
from kontur.modeling.runtimes import RUNTIMES, RuntimeChoice, open_runtime, planes
from kontur.modeling.runtimes.open_vino import _OFTEN, CACHE

FLOATING = [
    (name, precision) for name, kind in RUNTIMES.items() for precision in kind.precisions if precision != "int8"
]
TOLERANCE = {"fp32": 1e-4, "bf16": 0.05}
"""Of the greatest output; bf16 keeps 8 bits."""
QUICK = [pair for pair in FLOATING if pair[0] != "pytorch-compiled"]


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return make_models(tmp_path_factory.mktemp("runtimes"))


@pytest.fixture(scope="module")
def opened(space):
    """Return runtime by name and precision, opened once."""
    runtimes = {}

    def get(name, precision):
        choice = RuntimeChoice(name, precision, 1)
        if choice not in runtimes:
            runtimes[choice] = open_runtime(find_model(space, choice), choice)
        return runtimes[choice]

    return get


def worst(answer, expected):
    return np.abs(answer - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize(("name", "precision"), QUICK)
@pytest.mark.parametrize(("width", "height"), [(160, 96), (32, 64)])
def test_it_answers_as_the_network_does(opened, name, precision, width, height):
    batch = pictures(1, width, height)
    answer = opened(name, precision)(batch)
    assert answer.dtype == np.float32
    assert answer.shape == (1, 7, height // 4, width // 4)
    assert worst(answer, reference(batch)) < TOLERANCE[precision]


@pytest.mark.parametrize(("name", "precision"), QUICK)
def test_a_batch_is_answered_picture_by_picture(opened, name, precision):
    run, batch = opened(name, precision), pictures(3, 64, 96)
    answer = run(batch)
    assert answer.shape == (3, 7, 24, 16)
    for row, picture in zip(answer, batch, strict=True):
        assert worst(row, run(picture[None])[0]) < TOLERANCE[precision]


@pytest.mark.slow
def test_compiled_it_answers_as_the_network_does(opened):
    batch = pictures(1, 96, 64)
    assert worst(opened("pytorch-compiled", "fp32")(batch), reference(batch)) < TOLERANCE["fp32"]


@pytest.mark.parametrize(("name", "precision"), QUICK)
def test_an_answer_is_not_overwritten_by_the_next(opened, name, precision):
    run, batch = opened(name, precision), pictures()
    first = run(batch)
    kept = first.copy()
    run(255 - batch)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(("name", "precision"), QUICK)
def test_threads_do_not_disturb_each_other(opened, name, precision):
    run = opened(name, precision)
    batches = [pictures() // divisor for divisor in (5, 4, 3, 2, 1)]
    alone = [run(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, batches * 4))
    for expected, answer in zip(alone * 4, together, strict=True):
        np.testing.assert_allclose(answer, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_openvino_answers_alike_however_often_a_size_came(space, precision):
    """From the first of a size to those for which it has a network of its own, and when more sizes come than it has."""
    run = open_runtime(find_model(space, RuntimeChoice("openvino", precision)), RuntimeChoice("openvino", precision, 1))
    for number, size in enumerate(((160, 96), (32, 64), (64, 64), (96, 64), (128, 32))):
        batch = pictures(1, *size)
        batch.flags.writeable = number % 2 == 0
        first = run(batch)
        for _ in range(_OFTEN + 2):
            np.testing.assert_allclose(run(batch), first, atol=1e-5 * np.abs(first).max())
        assert worst(first, reference(batch)) < TOLERANCE[precision]
        turned = batch[:, ::-1, ::-1]
        np.testing.assert_array_equal(run(turned), run(turned.copy()))


def test_pictures_are_taken_apart_into_planes_of_numbers():
    batch = pictures(2, 32, 64)
    for shown in (batch, batch[:, :, ::-1]):
        assert planes(shown).dtype == np.float32
        np.testing.assert_array_equal(planes(shown), shown.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "opencv", "pytorch"])
@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07\x3a\xff\xff"])
def test_a_damaged_file_is_one_clear_error(tmp_path, name, content):
    path = tmp_path / f"checkpoint{RUNTIMES[name].suffixes[-1]}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"checkpoint\.(onnx|pth): not a readable .* again"):
        open_runtime(path, RuntimeChoice(name, threads=1))


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_missing_file_says_what_to_run(tmp_path, name):
    with pytest.raises(ModelError, match="kontur export"):
        open_runtime(tmp_path / "checkpoint.onnx", RuntimeChoice(name, threads=1))


def test_without_a_compiler_the_compiled_engine_is_refused(space, monkeypatch):
    monkeypatch.setattr("kontur.modeling.runtimes.pytorch_compiled.which", lambda _: None)
    with pytest.raises(ModelError, match=r"needs a C\+\+ compiler"):
        open_runtime(space.checkpoint, RuntimeChoice("pytorch-compiled", threads=1))


@pytest.mark.parametrize(
    ("runtime", "precision", "fault"),
    [
        ("tensorrt", "fp32", "no runtime 'tensorrt'; choose one of onnxruntime, openvino, opencv"),
        ("onnxruntime", "bf16", "onnxruntime does not offer 'bf16'; it offers fp32, int8"),
        ("opencv", "fp16", "opencv does not offer 'fp16'"),
    ],
)
def test_what_is_not_offered_is_refused(runtime, precision, fault):
    with pytest.raises(ModelError, match=fault):
        RuntimeChoice(runtime, precision)


def test_no_runtime_reports_home(space, tmp_path):
    """ONNX Runtime keeps an identifier in the user's cache folder when it may send usage data; here nothing is kept."""
    program = (
        "import sys; from pathlib import Path\n"
        "from kontur.modeling.runtimes import RuntimeChoice, open_runtime\n"
        "open_runtime(Path(sys.argv[1]), RuntimeChoice('onnxruntime', 'fp32', 1))"
    )
    unwatched = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME", "PYTEST_CURRENT_TEST")
    environment = {name: value for name, value in os.environ.items() if name not in unwatched} | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program, str(space.onnx)], env=environment, check=True, timeout=120)
    assert not list(tmp_path.rglob("*Microsoft*"))


def opened_from(folder, source):
    """An OpenVINO runtime of a copy of a network in `folder`."""
    path = folder / "checkpoint.onnx"
    shutil.copyfile(source, path)
    return lambda: open_runtime(path, RuntimeChoice("openvino", "fp32", 1))


def test_what_openvino_compiled_is_kept_beside_the_model(space, tmp_path):
    again, batch = opened_from(tmp_path, space.onnx), pictures()
    first = again()(batch)
    kept = list((tmp_path / CACHE).rglob("*.blob"))
    assert len(kept) == 1
    written = kept[0].stat().st_mtime_ns
    np.testing.assert_array_equal(again()(batch), first)
    assert kept[0].stat().st_mtime_ns == written, "read, not written anew"


def test_a_damaged_cache_is_made_anew(space, tmp_path):
    again, batch = opened_from(tmp_path, space.onnx), pictures()
    first = again()(batch)
    (kept,) = (tmp_path / CACHE).rglob("*.blob")
    kept.chmod(0o644)
    kept.write_bytes(kept.read_bytes()[:1000])
    np.testing.assert_array_equal(again()(batch), first)


def test_another_network_under_the_same_name_is_compiled_anew(space, tmp_path):
    again, batch = opened_from(tmp_path, space.onnx), pictures()
    first = again()(batch)
    other = make_models(tmp_path / "other", seed=1)
    shutil.copyfile(other.onnx, tmp_path / "checkpoint.onnx")
    assert worst(again()(batch), first) > 0.01
    assert len(list((tmp_path / CACHE).rglob("*.blob"))) == 1, "what the other one compiled to is gone"


def test_other_weights_of_the_same_graph_and_time_are_another_network(space, tmp_path):
    """OpenVINO's own files keep the weights apart; names, sizes and times say nothing of them."""
    batch, answers = pictures(), []
    for seed, source in enumerate((space, make_models(tmp_path / "other", seed=1))):
        folder = tmp_path / str(seed)
        shutil.copytree(source.models, folder)
        write_openvino(folder / "checkpoint.onnx", tmp_path / "checkpoint.xml", "fp32")
        for path in tmp_path.glob("checkpoint.*"):
            os.utime(path, (1e9, 1e9))
        answers.append(open_runtime(tmp_path / "checkpoint.xml", RuntimeChoice("openvino", "fp32", 1))(batch))
    assert worst(*answers) > 0.01


def test_a_folder_that_cannot_be_written_has_no_cache(space, tmp_path, monkeypatch):
    monkeypatch.setattr("kontur.modeling.runtimes.open_vino.os.access", lambda *_: False)
    opened_from(tmp_path, space.onnx)()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.onnx"]
