"""Pictures, folders, videos and streams as frames, in order, with their names."""

import cv2
import numpy as np
import pytest

from kontur.errors import PictureError
from kontur.sources import is_stream, open_source
from moving_pictures import SIZE_WH, frame, mjpeg_stream, number_of, write_video


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("a.png", "b.png", "c.jpg")):
        cv2.imwrite(str(tmp_path / name), frame(number))
    return tmp_path


def test_a_folder_is_its_pictures_in_order(folder):
    source = open_source([str(folder)])
    assert (source.frames, source.live, source.fps) == (3, False, 0)
    frames = list(source)
    assert [item.name for item in frames] == ["a.png", "b.png", "c.jpg"]
    assert [number_of(item.picture) for item in frames] == [0, 1, 2]
    assert {item.time_s for item in frames} == {None}


def test_a_source_can_be_read_again(folder):
    source = open_source([str(folder / "*.png")])
    assert [item.name for item in source] == [item.name for item in source] == ["a.png", "b.png"]


def test_a_picture_that_cannot_be_read_is_a_frame_with_a_fault(folder):
    (folder / "b.png").write_bytes(b"nothing")
    frames = list(open_source([str(folder)]))
    assert [item.picture is None for item in frames] == [False, True, False]
    assert "b.png: not a picture" in frames[1].fault


def test_a_video_is_its_frames_with_numbers_and_times(tmp_path):
    source = open_source([str(write_video(tmp_path / "belt.avi", 15, fps=20.0))])
    assert (source.frames, source.live) == (15, False)
    assert source.fps == pytest.approx(20.0)
    frames = list(source)
    assert [item.name for item in frames] == [f"belt.avi#{n}" for n in range(15)]
    assert [number_of(item.picture) for item in frames] == list(range(15))
    assert frames[0].picture.shape == (SIZE_WH[1], SIZE_WH[0], 3)
    assert np.diff([item.time_s for item in frames]) == pytest.approx(1 / 20, abs=1e-3)


def test_a_local_stream_is_live_and_read_to_its_end():
    with mjpeg_stream(12) as url:
        source = open_source([url])
        assert source.live
        assert source.frames is None
        frames = list(source)
    numbers = [number_of(item.picture) for item in frames]
    assert numbers == sorted(numbers)
    assert len(numbers) >= 10
    assert frames[0].name == "belt.mjpg#0"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("0", True), ("12", True), ("rtsp://camera/1", True), ("http://host/v.mjpg", True), ("BELT.MP4", True),
        ("photos", False), ("a.png", False), ("-1", False), ("*.jpg", False), ("2.5", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_stream(word, expected):
    assert is_stream(word) is expected


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["missing.mp4"], "missing.mp4: no such video"),
        (["99"], "camera 99: cannot be opened; is it connected"),
        (["http://127.0.0.1:9/none.mjpg"], "none.mjpg: cannot be opened"),
        (["0", "a.png"], "0: a video, camera or stream is read alone"),
        (["nothing-there"], "nothing-there: no pictures there"),
    ],
)
def test_what_cannot_be_opened_is_one_line(words, fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PictureError, match=fault):
        open_source(words)


def test_a_file_that_is_no_video_is_one_line(tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(PictureError, match=r"v\.mp4: cannot be opened"):
        open_source([str(tmp_path / "v.mp4")])
