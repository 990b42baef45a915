"""What `import kontur` offers: pinned here, so that a change of it is a decision."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import kontur

SURFACE = [
    "Detections",
    "Detector",
    "Drawing",
    "KonturError",
    "NetworkDetector",
    "Part",
    "PixelPose",
    "Pose",
    "Sample",
    "Workspace",
    "create_workspace",
    "open_dataset",
    "open_workspace",
    "read_drawing",
    "read_parts",
    "read_picture",
]


def stated_for_type_checkers():
    """Return {name: module} of the imports under TYPE_CHECKING in kontur/__init__.py."""
    tree = ast.parse(Path(kontur.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


def test_the_surface_is_what_it_was():
    assert kontur.__all__ == SURFACE
    assert dir(kontur) == SURFACE


@pytest.mark.parametrize("name", SURFACE)
def test_every_name_is_there_and_documented(name):
    value = getattr(kontur, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)
    assert value.__module__.startswith("kontur.")


def test_type_checkers_and_the_interpreter_see_the_same():
    assert stated_for_type_checkers() == kontur._HOMES
    assert sorted(kontur._HOMES) == SURFACE


def test_star_imports_the_surface():
    namespace = {}
    exec("from kontur import *", namespace)
    assert set(SURFACE) <= set(namespace)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'kontur' has no attribute 'read_part'"):
        _ = kontur.read_part
    assert not hasattr(kontur, "nonsense")


def test_a_name_loads_only_what_it_needs():
    code = "import sys, kontur; kontur.Workspace; print({'cv2', 'torch', 'ezdxf', 'onnxruntime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_detecting_loads_neither_torch_nor_matplotlib():
    code = "import sys, kontur; kontur.NetworkDetector; print({'torch', 'lightning', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
