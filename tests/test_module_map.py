"""The page of the documentation that lists the modules."""

import module_map
import pytest


@pytest.fixture
def package(tmp_path):
    """A package with a folder, a pipe in a docstring, and a module without one."""
    folder = tmp_path / "shop"
    (folder / "till").mkdir(parents=True)
    (folder / "__init__.py").write_text('"""A shop."""\n')
    (folder / "b.py").write_text('"""Second | last.\n\nMore words.\n"""\n')
    (folder / "a.py").write_text("x = 1\n")
    (folder / "till" / "__init__.py").write_text('"""Where one pays."""\n')
    return folder


def test_every_module_is_listed_with_the_first_line_of_its_docstring(package):
    assert module_map.render(package).splitlines()[4:] == [
        "## shop", "", "| module | is for |", "|---|---|",
        "| the package | A shop |", "| `a` |  |", "| `b` | Second \\| last |",
        "", "## shop/till", "", "| module | is for |", "|---|---|", "| the package | Where one pays |",
    ]  # fmt: skip


def test_every_module_of_kontur_says_what_it_is_for():
    assert [path for path in module_map.PACKAGE.rglob("*.py") if not module_map.first_line(path)] == []
