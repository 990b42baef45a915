"""One error tree, so that one `except` at the edge is enough."""

import ast
import inspect
from pathlib import Path

import pytest

import kontur
from kontur import errors

PACKAGE = Path(kontur.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
OWN = {name for name, value in vars(errors).items() if inspect.isclass(value)}

VAGUE = {"Exception", "BaseException", "RuntimeError", "AssertionError", "SystemExit", "OSError", "IOError"}
"""Nobody can catch these on purpose; ValueError and IndexError remain for calls that a programmer got wrong."""

VALIDATING = {"DetectionError", "DatasetError"}
"""Raised by structs of arrays about themselves: they have no file to name."""


def raises(path):
    """Yield (line, name of the exception, first argument or None) of every `raise Name(...)` in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            yield node.lineno, node.exc.func.id, next(iter(node.exc.args), None)


def short(path):
    return str(path.relative_to(PACKAGE))


def test_every_error_is_a_documented_kontur_error():
    for name in OWN:
        assert issubclass(getattr(errors, name), errors.KonturError)
        assert inspect.getdoc(getattr(errors, name))


def test_kontur_error_is_no_builtin_kind():
    """A broad `except ValueError` in a caller must not swallow what kontur says on purpose."""
    assert errors.KonturError.__bases__ == (Exception,)


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_code_raises_nothing_vague(path):
    assert [(line, name) for line, name, _ in raises(path) if name in VAGUE] == []


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_every_message_names_a_place(path):
    """A constant text cannot say where."""
    constant = [
        (line, name)
        for line, name, text in raises(path)
        if name in OWN - VALIDATING and (text is None or isinstance(text, ast.Constant))
    ]
    assert constant == []


@pytest.mark.parametrize("folder", sorted({path.parent for path in SOURCES}), ids=lambda path: path.name)
def test_every_folder_of_modules_is_a_package(folder):
    """A folder without __init__.py would be left out of the contract between the layers."""
    assert (folder / "__init__.py").is_file()
