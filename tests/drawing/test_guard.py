"""Reading in a process of its own: the same result, and an end when a limit is passed."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from dxf_making import document, plate

from kontur.drawing import DrawingRules, guard, read_drawing, read_parts
from kontur.drawing.guard import guarded_reader
from kontur.errors import DrawingError

SPINNING = """
from kontur.drawing import guard, read
guard._SPARE_SECONDS = 0
def spin(path, rules):
    while True:
        pass
read.read_drawing = spin
guard.serve()
"""
WAITING = """
import time
from kontur.drawing import guard, read
read.read_drawing = lambda path, rules: time.sleep(600)
guard.serve()
"""
GREEDY = """
from kontur.drawing import guard, read
def eat(path, rules):
    import numpy as np
    return np.ones(1 << 28)
real = read.read_drawing
read.read_drawing = lambda path, rules: eat(path, rules) if 'greedy' in path.name else real(path, rules)
guard.serve()
"""


@pytest.fixture
def path(tmp_path):
    doc, msp = document()
    plate(msp)
    doc.saveas(tmp_path / "plate.dxf")
    return tmp_path / "plate.dxf"


def test_what_comes_back_is_what_reading_here_gives(path):
    here = read_drawing(path)
    with guarded_reader() as read:
        there = read(path, DrawingRules())
    assert (there.file, there.sha256, there.unit, there.entities) == (here.file, here.sha256, here.unit, here.entities)
    assert [part.sha256 for part in there.parts] == [part.sha256 for part in here.parts]
    assert there.parts[0].outer.points.flags.writeable is False


def test_an_unreadable_file_is_the_same_error_and_the_next_is_read(path, tmp_path):
    (tmp_path / "bad.dxf").write_bytes(b"no drawing")
    with guarded_reader() as read:
        with pytest.raises(DrawingError, match=r"bad\.dxf: not a DXF"):
            read(tmp_path / "bad.dxf", DrawingRules())
        assert len(read(path, DrawingRules()).parts) == 1


def test_what_never_ends_is_ended(path, monkeypatch):
    monkeypatch.setattr(guard, "_SERVE", SPINNING)
    with guarded_reader() as read, pytest.raises(DrawingError, match=r"plate\.dxf: not read within 0\.1 s"):
        read(path, DrawingRules(max_seconds=0.1))


def test_what_waits_for_ever_is_ended(path, monkeypatch):
    monkeypatch.setattr(guard, "_SERVE", WAITING)
    monkeypatch.setattr(guard, "_STARTING_SECONDS", 0)
    with (
        guarded_reader() as read,
        pytest.raises(DrawingError, match=r"plate\.dxf: no answer within 1 s; check the disk"),
    ):
        read(path, DrawingRules(max_seconds=0.1))


def test_parts_are_read_in_a_child_unless_a_reader_is_given(path, monkeypatch):
    (expected,), _ = read_parts([path], read=read_drawing)
    assert read_parts([path])[0][0].sha256 == expected.sha256
    monkeypatch.setattr(guard, "_SERVE", SPINNING)
    with pytest.raises(DrawingError, match="not read within"):
        read_parts([path], DrawingRules(max_seconds=0.1))


def test_ezdxf_is_loaded_by_the_child_only(path):
    code = f"""
import sys
from pathlib import Path
from kontur.drawing import read_parts
assert len(read_parts([Path({str(path)!r})])[0]) == 1
assert not {{"ezdxf", "torch"}} & set(sys.modules), sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_takes_too_much_memory_costs_its_file_only(path, monkeypatch):
    """Two gigabytes of numbers under a limit of 300 MB."""
    monkeypatch.setattr(guard, "_SERVE", GREEDY)
    greedy = path.with_name("greedy.dxf")
    with guarded_reader() as read:
        for _ in range(2):
            with pytest.raises(DrawingError, match=r"greedy\.dxf: needs more than 300 MB"):
                read(greedy, DrawingRules(max_memory_mb=300))
        assert len(read(path, DrawingRules(max_memory_mb=300)).parts) == 1


def test_no_child_is_left(path):
    with guarded_reader() as read:
        read(path, DrawingRules())
        (child,) = read.__closure__[0].cell_contents
        assert child.poll() is None
    assert child.poll() is not None


def test_a_drawing_survives_being_pickled(path):
    drawing = read_drawing(path)
    again = pickle.loads(pickle.dumps(drawing))
    for part, other in zip(drawing.parts, again.parts, strict=True):
        assert all(np.array_equal(a.points, b.points) for a, b in zip(part.contours, other.contours, strict=True))
        assert [hole.circle for hole in other.holes] == [hole.circle for hole in part.holes]
