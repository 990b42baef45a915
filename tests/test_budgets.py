"""The tool that measures the product against its budgets."""

import textwrap
from itertools import pairwise

import budgets
import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def project(tmp_path):
    """A function that writes {path: text} below a project root with as many lines of tests as asked for."""

    def write(files, test_lines=1000):
        for name, text in files.items():
            path = tmp_path / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_a.py").write_text("x = 1\n" * test_lines)
        return tmp_path

    return write


def function(text):
    import ast

    return ast.parse(textwrap.dedent(text)).body[0]


def test_a_small_project_is_within_its_budgets(project):
    assert budgets.faults(project({"p/__init__.py": "", "p/a.py": "def f():\n    return 1\n"})) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("def f(): pass", 1),
        ('def f():\n    """Only words."""', 0),
        ('def f():\n    """Words.\n\n    More.\n    """\n    a = 1\n\n    # comment\n    return a', 4),
        ("def f(\n    a,\n    b,\n):\n    return (\n        a,\n        b,\n    )", 4),
        ("@decorated\ndef f():\n    a = 1\n    return a", 2),
    ],
)
def test_a_body_is_what_follows_the_docstring(text, lines):
    assert budgets.body_lines(function(text)) == lines


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("def f(): return [a for a in b if c]", 0),
        ("def f():\n  if a:\n    pass\n  elif b:\n    pass\n  elif c:\n    pass\n  else:\n    pass", 1),
        ("def f():\n  if a:\n    pass\n  else:\n    for b in c:\n      pass", 2),
        ("def f():\n  for a in b:\n    with c:\n      try:\n        pass\n      except E:\n        if d: pass", 4),
        ("def f():\n  if a:\n    def g():\n      if b:\n        pass", 1),
        ("def f():\n  while a:\n    match b:\n      case 1:\n        if c: pass", 3),
        ("async def f():\n  async for a in b:\n    async with c: pass", 2),
    ],
)
def test_nesting_counts_statements_within_statements(text, depth):
    assert budgets.nesting(function(text)) == depth


@given(st.lists(st.sampled_from(["if a:", "for a in b:", "while a:", "with a:"]), max_size=8))
def test_nesting_of_a_ladder_is_its_height(headers):
    lines = ["def f():", *headers, "pass"]
    assert budgets.nesting(function("\n".join("  " * i + line for i, line in enumerate(lines)))) == len(headers)


def test_what_is_too_long_is_named_with_its_place(project):
    long_body = "def f():\n" + "    a = 1\n" * 61
    rows = budgets.faults(project({"p/__init__.py": "", "p/a.py": long_body, "p/b.py": "a = 1\n" * 501}, 600))
    assert [row.split("/src/")[-1] for row in rows] == [
        "p/b.py: 501 lines in a module, at most 500",
        "p/a.py:1 f: 61 lines in a body, at most 60",
        "median of 61 lines in a body, at most 8",
    ]


def test_what_is_nested_too_deep_is_named(project):
    text = "def f():\n  for a in b:\n    if c:\n      with d:\n        while e: pass\n"
    assert [row.split("/src/")[-1] for row in budgets.faults(project({"a.py": text}))] == [
        "a.py:1 f: 4 levels of nesting, at most 3"
    ]


def test_the_median_of_the_modules(project):
    rows = budgets.faults(project({f"{name}.py": "a = 1\n" * 151 for name in "abc"}))
    assert rows == ["median of 151 lines in a module, at most 150"]


def test_files_of_tests_that_share_a_name_are_told(project):
    root = project({"a.py": "a = 1\n"})
    for folder in ("drawing", "modeling"):
        (root / "tests" / folder).mkdir()
        for name in ("test_views.py", "conftest.py"):
            (root / "tests" / folder / name).write_text("a = 1\n")
    (row,) = budgets.faults(root)
    assert row.startswith("one name")
    assert row.count("test_views.py") == 2


def test_too_few_tests_are_told(project):
    assert budgets.faults(project({"a.py": "a = 1\n\n\nb = 2\n"}, test_lines=1)) == [
        "tests have 1 lines of code, the product 2: write tests or delete code"
    ]


@given(st.integers(2, 6), st.booleans())
def test_a_ring_of_imports_is_found_wherever_the_import_stands(tmp_path_factory, size, inside_function):
    folder = tmp_path_factory.mktemp("ring")
    names = [f"m{index}" for index in range(size)]
    for name, following in pairwise([*names, names[0]]):
        line = f"from {following} import x"
        (folder / f"{name}.py").write_text(f"def f():\n    {line}\n" if inside_function else f"{line}\n")
    assert set(budgets.import_cycle(folder)) == set(names)


def test_a_chain_of_imports_is_no_ring(project):
    root = project({"p/__init__.py": "from p.a import f", "p/a.py": "import p.b", "p/b.py": "import os, numpy.linalg"})
    assert budgets.import_cycle(root / "src") == []


def test_imports_for_type_checkers_are_no_ring(project):
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import A\n"
    root = project({"p/__init__.py": "", "p/a.py": "from p.b import f", "p/b.py": guarded})
    assert budgets.import_cycle(root / "src") == []


def test_importing_a_member_of_a_package_is_importing_the_package(project):
    root = project({"p/__init__.py": "from p.a import f", "p/a.py": "from p import g"})
    assert set(budgets.import_cycle(root / "src")) == {"p", "p.a"}


def test_code_is_neither_blank_nor_comment_nor_docstring(tmp_path):
    (tmp_path / "a.py").write_text(
        '"""One.\n\nTwo."""\n\n# three\nx = 1  # four\n\ndef f():\n    """Five."""\n    return """six\n    seven"""\n'
    )
    assert budgets.code_lines(tmp_path) == 4
