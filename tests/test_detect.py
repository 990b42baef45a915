"""`kontur detect` on good and bad input. The network is untrained: what it finds is tested elsewhere."""

import json

import cv2
import ezdxf
import numpy as np
import pytest
import torch

from kontur.drawing import find_drawings, read_parts
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.export import export_onnx
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.scaffold import create_workspace
from moving_pictures import mjpeg_stream, write_video

SIZE_WH = (160, 96)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A workspace with two drawings and an untrained network for them."""
    folder = tmp_path_factory.mktemp("detect")
    for name, radius in (("disc", 12), ("coin", 20)):
        document = ezdxf.new(units=4)
        document.modelspace().add_circle((0, 0), radius)
        document.modelspace().add_circle((radius / 3, 0), 3)
        document.saveas(folder / f"{name}.dxf")
    space = create_workspace(folder / "workspace", find_drawings([folder]))
    parts, _ = read_parts(find_drawings([space.drawings]))
    torch.manual_seed(0)
    info = ModelInfo(known_parts(parts), "n", (0.5, 0.9), "up", "tests")
    save_checkpoint(space.checkpoint, Network(len(parts), "n"), info)
    export_onnx(space.checkpoint, space.onnx)
    return space


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8))
    return folder


@pytest.fixture
def detect(run_kontur, model, tmp_path):
    def run(*words):
        return run_kontur("detect", *words, "--out", tmp_path / "out", "-C", model.root)

    return run


def test_a_folder_gives_one_entry_and_one_overlay_for_each_picture(detect, pictures, tmp_path):
    run = detect(pictures)
    assert run.code == 0, run.err
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert [image["file"] for image in document["images"]] == ["a.png", "b.png"]
    assert sorted(p.name for p in (tmp_path / "out" / "overlays").iterdir()) == ["a.png", "b.png"]
    assert isinstance(json.loads((tmp_path / "out" / "coco.json").read_text()), list)


@pytest.mark.parametrize("source", ["a.png", "*.png", ""])
def test_a_picture_a_glob_and_a_folder_are_sources(detect, pictures, source):
    assert detect(pictures / source).code == 0


def test_json_is_the_only_thing_on_standard_output(detect, pictures, tmp_path):
    run = detect(pictures, "--json")
    assert json.loads(run.out) == json.loads((tmp_path / "out" / "detections.json").read_text())


def test_pictures_of_one_name_get_overlays_of_their_own(detect, pictures, tmp_path):
    (pictures / "more").mkdir()
    for suffix in ("png", "jpg"):
        cv2.imwrite(str(pictures / "more" / f"a.{suffix}"), np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8))
    assert detect(pictures / "a.png", pictures / "more").code == 0
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"no picture", "not a picture"), (b"\x89PNG\r\n\x1a\nbroken", "not a picture")],
)
def test_a_bad_picture_is_named_and_the_good_ones_are_done(detect, pictures, tmp_path, content, said):
    (pictures / "bad.png").write_bytes(content)
    run = detect(pictures)
    assert run.code == 2
    assert "bad.png" in run.err
    assert said in run.err
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert [image["file"] for image in document["images"]] == ["a.png", "b.png"]


def test_a_missing_picture_is_one_line(detect, pictures, tmp_path):
    run = detect(pictures / "nothing.png")
    assert run.code == 2
    assert "nothing.png" in run.err
    assert "Traceback" not in run.err
    assert not (tmp_path / "out" / "detections.json").exists()


def test_an_empty_folder_is_one_line(detect, tmp_path):
    (tmp_path / "empty").mkdir()
    run = detect(tmp_path / "empty")
    assert run.code == 2
    assert "no pictures" in run.err


@pytest.mark.parametrize("scale", [("0", "1"), ("0.9", "0.5"), ("-1", "2")])
def test_a_wrong_scale_is_refused(detect, pictures, scale):
    run = detect(pictures, "--mm-per-px", *scale)
    assert run.code == 2
    assert "mm-per-px" in run.err


def test_a_folder_that_cannot_be_written_is_one_line(run_kontur, model, pictures, tmp_path):
    (tmp_path / "file").write_text("in the way")
    run = run_kontur("detect", pictures, "--out", tmp_path / "file", "-C", model.root)
    assert run.code == 2
    assert "Traceback" not in run.err


def test_without_a_network_the_command_says_what_to_run(run_kontur, tmp_path, pictures, model):
    drawings = tmp_path / "drawings"
    create_workspace(tmp_path / "fresh", find_drawings([model.drawings]))
    run = run_kontur("detect", pictures, "--out", drawings, "-C", tmp_path / "fresh")
    assert run.code == 2
    assert "kontur train" in run.err


def test_a_changed_drawing_is_named(run_kontur, tmp_path, pictures, model):
    space = create_workspace(tmp_path / "changed", find_drawings([model.drawings]))
    document = ezdxf.new(units=4)
    document.modelspace().add_circle((0, 0), 15)
    document.saveas(space.drawings / "disc.dxf")
    space.onnx.write_bytes(model.onnx.read_bytes())
    run = run_kontur("detect", pictures, "--out", tmp_path / "out", "-C", space.root)
    assert run.code == 2
    assert "disc: the drawing has changed" in run.err


def test_a_video_gives_lines_of_json_with_times(detect, tmp_path):
    run = detect(write_video(tmp_path / "belt.avi", 5, fps=10.0))
    assert run.code == 0, run.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["detections.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "detections.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [f"belt.avi#{n}" for n in range(5)]
    assert [line["time_s"] for line in lines] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_what_is_saved_can_be_chosen(detect, tmp_path):
    words = [word for name in ("csv", "video", "overlays", "coco", "json", "jsonl") for word in ("--save", name)]
    assert detect(write_video(tmp_path / "belt.avi", 3), *words).code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "detections.csv", "overlay.mp4", "overlays", "coco.json", "detections.json", "detections.jsonl",
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "out" / "overlays").iterdir()} == {f"belt-{n:06d}.png" for n in range(3)}


def test_a_local_stream_is_watched_to_its_end(detect):
    with mjpeg_stream(10) as url:
        run = detect(url, "--json")
    assert run.code == 0, run.err
    files = [json.loads(line)["file"] for line in run.out.splitlines()]
    assert files
    assert all(file.startswith("belt.mjpg#") for file in files)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--runtime", "tensorrt"], "no runtime 'tensorrt'"),
        (["--precision", "fp64"], "does not offer 'fp64'"),
        (["--precision", "int8"], "kontur export"),
        (["--threads", "0"], "threads"),
        (["--save", "pdf"], "save"),
    ],
)
def test_wrong_choices_are_one_line(detect, pictures, words, fault):
    run = detect(pictures, *words)
    assert run.code == 2
    assert fault in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("words", [["--runtime", "openvino", "--precision", "bf16"], ["--runtime", "opencv"]])
def test_other_runtimes_say_the_same(detect, pictures, tmp_path, words):
    def parts():
        images = json.loads((tmp_path / "out" / "detections.json").read_text())["images"]
        return [[found["part"] for found in image["detections"]] for image in images]

    assert detect(pictures).code == 0
    expected = parts()
    assert detect(pictures, *words, "--threads", "1").code == 0
    assert parts() == expected
