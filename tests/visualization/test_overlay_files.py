"""Overlays as pictures and as a video, read back by OpenCV."""

import cv2
import numpy as np
import pytest

from kontur.errors import WorkspaceError
from kontur.pictures import read_picture
from kontur.visualization.overlay_files import distinct_name, overlay_pictures, overlay_video
from moving_pictures import SIZE_WH, frame, number_of


def test_pictures_are_named_after_their_frames(tmp_path):
    with overlay_pictures(tmp_path) as add:
        for number, name in enumerate(("a.png", "a.jpg", "a.jpg", "belt.mp4#3")):
            add(name, frame(number))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.jpg-2.png", "a.jpg.png", "a.png", "belt-000003.png"]
    assert number_of(read_picture(tmp_path / "a.jpg.png")) == 1


def test_names_are_distinct():
    taken = set()
    assert [distinct_name("a.png", taken) for _ in range(4)] == ["a", "a.png", "a.png-2", "a.png-3"]


def test_a_video_holds_all_frames_at_the_sources_speed(tmp_path):
    with overlay_video(tmp_path / "out" / "o.mp4", 12.5) as add:
        for number in range(8):
            add(f"v#{number}", frame(number))
        add("larger", cv2.resize(frame(8), (300, 200)))
    reader = cv2.VideoCapture(str(tmp_path / "out" / "o.mp4"))
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    numbers = []
    while (answer := reader.read())[0]:
        assert answer[1].shape == (SIZE_WH[1], SIZE_WH[0], 3)
        numbers.append(number_of(answer[1]))
    assert numbers == list(range(9))


def test_a_video_without_frames_is_no_file(tmp_path):
    with overlay_video(tmp_path / "o.mp4", 25):
        pass
    assert not (tmp_path / "o.mp4").exists()


def test_a_video_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "o.mp4").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written"), overlay_video(tmp_path / "o.mp4", 25) as add:
        add("v#0", np.zeros((64, 96, 3), np.uint8))
