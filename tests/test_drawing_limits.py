"""Every command that opens drawings, on a bomb, on a drawing that never ends, and on one that eats all memory."""

import ezdxf
import pytest

from kontur.drawing import guard
from kontur.workspace import Workspace
from tiny_workspace import draw_parts

STUCK = """
from kontur.drawing import guard, read
guard._SPARE_SECONDS = 0
real = read.read_drawing
def stuck(path, rules):
    while 'stuck' in path.name:
        pass
    return real(path, rules)
read.read_drawing = stuck
guard.serve()
"""
COMMANDS = {
    "generate": ("--count", "2", "--executor", "threads", "--workers", "1"),
    "preview": (),
    "train": ("--on-the-fly", "--minutes", "0.1"),
    "templates": ("--mm-per-px", "0.6", "0.7"),
    "inspect": (),
}


@pytest.fixture
def space(tmp_path, run_kontur) -> Workspace:
    draw_parts(tmp_path / "drawings")
    assert run_kontur("new", tmp_path / "workspace", "--drawings", tmp_path / "drawings").code == 0
    space = Workspace(tmp_path / "workspace")
    space.data_config.write_text("drawings: {max_seconds: 0.5}\n")
    return space


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bomb_is_refused(space, run_kontur, command):
    document = ezdxf.new("R2000", units=4)
    document.blocks.new("B0").add_circle((0, 0), 1)
    grid = {"column_count": 1000, "row_count": 1000, "column_spacing": 3, "row_spacing": 3}
    document.blocks.new("B1").add_blockref("B0", (0, 0), grid)
    document.modelspace().add_blockref("B1", (0, 0), grid)
    document.saveas(space.drawings / "bomb.dxf")
    said = run_kontur(command, "-C", space.root, *COMMANDS[command])
    assert said.code == 2
    assert "bomb.dxf: 1000000000000 entities once its blocks are inserted" in " ".join((said.out + said.err).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_drawing_that_never_ends_is_ended(space, run_kontur, command, monkeypatch):
    """The child is held up where no check of the reader's own is passed."""
    monkeypatch.setattr(guard, "_SERVE", STUCK)
    (space.drawings / "ring.dxf").rename(space.drawings / "stuck.dxf")
    said = run_kontur(command, "-C", space.root, *COMMANDS[command])
    assert said.code == 2
    assert "stuck.dxf: not read within 0.5 s" in " ".join((said.out + said.err).split())
