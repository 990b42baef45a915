"""Parts kept between commands: the same as read anew, and read anew when anything changed."""

import shutil

import numpy as np
import pytest

from kontur.data_preprocessing import known_parts
from kontur.data_preprocessing.known_parts import FILE, open_known_parts
from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import DrawingError
from kontur.scaffold import example_drawings
from kontur.workspace import Workspace


@pytest.fixture
def space(tmp_path):
    space = Workspace(tmp_path)
    space.drawings.mkdir(parents=True)
    space.data_config.parent.mkdir()
    space.data_config.write_text("faces: both\n")
    for path in example_drawings()[:3]:
        shutil.copy(path, space.drawings)
    return space


@pytest.fixture
def readings(monkeypatch):
    """Counts how often drawings are read."""
    counted = []

    def counting(workspace):
        counted.append(workspace)
        return open_parts(workspace)

    monkeypatch.setattr(known_parts, "open_parts", counting)
    return counted


def test_what_is_kept_is_what_was_read(space, readings):
    _, read, _ = open_parts(space)
    open_known_parts(space)
    _, kept = open_known_parts(space)
    assert len(readings) == 1
    for old, new in zip(read, kept, strict=True):
        assert (old.name, old.sha256, old.symmetry, old.chiral, old.copies, old.origin_mm) == (
            new.name, new.sha256, new.symmetry, new.chiral, new.copies, new.origin_mm,
        )  # fmt: skip
        for a, b in zip(old.contours, new.contours, strict=True):
            np.testing.assert_array_equal(a.points, b.points)
            assert a.circle == b.circle


def test_a_changed_drawing_another_rule_or_one_more_are_read_anew(space, readings):
    open_known_parts(space)
    drawing = sorted(space.drawings.iterdir())[0]
    drawing.write_bytes(drawing.read_bytes().replace(b"EOF", b"EOF\n"))
    open_known_parts(space)
    space.data_config.write_text("drawings:\n  sagitta_mm: 0.02\n")
    open_known_parts(space)
    shutil.copy(example_drawings()[4], space.drawings)
    assert len(open_known_parts(space)[1]) == len(open_parts(space)[1])
    assert len(readings) == 4
    open_known_parts(space)
    assert len(readings) == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_a_damaged_file_is_no_memory(space, readings, content):
    open_known_parts(space)
    (space.models / FILE).write_bytes(content)
    open_known_parts(space)
    open_known_parts(space)
    assert len(readings) == 2, "read once more, then kept again"


def test_a_workspace_that_cannot_be_written_is_read_each_time(space, readings):
    space.models.write_text("a file where the folder should be")
    assert len(open_known_parts(space)[1]) == len(open_known_parts(space)[1])
    assert len(readings) == 2


def test_no_drawings_are_an_error_as_ever(tmp_path):
    space = Workspace(tmp_path)
    space.data_config.parent.mkdir()
    space.data_config.write_text("faces: both\n")
    with pytest.raises(DrawingError, match="no drawings"):
        open_known_parts(space)
