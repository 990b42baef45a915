"""Measure the product against its budgets; fail with one line for each that is exceeded.

    python tools/budgets.py [--top N]

Measured on src: lines of a module, lines of a function's body (without its docstring), nesting of compound statements in
a function, import cycles (imports inside functions count, imports for type checkers do not), and the lines of the tests
against those of the product (blank lines, comments and docstrings aside). Files of tests must differ in name, since pytest
imports them by their names alone. --top N also prints the N longest of each.
"""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

MODULE_LINES_MAX = 500
MODULE_LINES_MEDIAN = 150
BODY_LINES_MAX = 60
BODY_LINES_MEDIAN = 8
NESTING_MAX = 3

_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Measure(NamedTuple):
    """A number about a place in the code."""

    value: int
    place: str


def module_lines(path: Path) -> Measure:
    """Return the number of lines of a module."""
    return Measure(len(path.read_text().splitlines()), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, _FUNCTION):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from the first statement after the docstring to the last line."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def nesting(node: ast.AST) -> int:
    """Return the depth of compound statements within `node`; an elif is as deep as its if, inner functions count anew."""
    depths = [0]
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTION, ast.ClassDef, ast.Lambda)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        depths.append(nesting(child) + (isinstance(child, _COMPOUND) and not is_elif))
    return max(depths)


def imports(path: Path, name: str, modules: set[str]) -> set[str]:
    """Return those of `modules` that the module `name` at `path` imports anywhere, except for type checkers."""
    tree = ast.parse(path.read_text())
    skipped = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = members & modules
            found |= inside if len(inside) == len(members) else inside | {node.module}
    return (found & modules) - {name}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def import_cycle(source: Path) -> list[str]:
    """Return the modules of one import cycle below `source`, or nothing."""
    files = {_module_name(path, source): path for path in source.rglob("*.py")}
    graph = {name: imports(path, name, set(files)) for name, path in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _module_name(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def code_lines(folder: Path) -> int:
    """Return the lines of Python code below `folder`: neither blank, nor comment, nor docstring."""
    return sum(_code_lines(path.read_text()) for path in folder.rglob("*.py"))


def _code_lines(text: str) -> int:
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return sum(bool(line) and not line.startswith("#") and number not in prose for number, line in lines)


def same_names(folder: Path) -> list[list[Path]]:
    """Return the files of tests below `folder` that share a name, together."""
    files = sorted(folder.rglob("test_*.py"), key=lambda path: (path.name, path))
    return [same for _, group in groupby(files, lambda path: path.name) if len(same := list(group)) > 1]


def faults(root: Path = ROOT, top: int = 0) -> list[str]:
    """Return one line for each exceeded budget of the project at `root`."""
    paths = sorted((root / "src").rglob("*.py"))
    modules = [module_lines(path) for path in paths]
    found = [(path, node) for path in paths for node in functions(path)]
    bodies = [Measure(body_lines(node), f"{path}:{node.lineno} {node.name}") for path, node in found]
    depths = [Measure(nesting(node), f"{path}:{node.lineno} {node.name}") for path, node in found]
    if top:
        _print_top({"module": modules, "body": bodies, "nesting": depths}, top)
    rows = _over("lines in a module", modules, MODULE_LINES_MAX) + _over("lines in a body", bodies, BODY_LINES_MAX)
    rows += _over("levels of nesting", depths, NESTING_MAX)
    rows += _over_median("lines in a module", modules, MODULE_LINES_MEDIAN)
    rows += _over_median("lines in a body", bodies, BODY_LINES_MEDIAN)
    if cycle := import_cycle(root / "src"):
        rows.append("import cycle: " + " -> ".join(cycle))
    rows += [f"one name, at which pytest stops: {', '.join(map(str, same))}" for same in same_names(root / "tests")]
    product, tests = code_lines(root / "src"), code_lines(root / "tests")
    if tests < product:
        rows.append(f"tests have {tests} lines of code, the product {product}: write tests or delete code")
    return rows


def _over(what: str, measures: list[Measure], limit: int) -> list[str]:
    return [f"{place}: {value} {what}, at most {limit}" for value, place in measures if value > limit]


def _over_median(what: str, measures: list[Measure], limit: int) -> list[str]:
    middle = median(value for value, _ in measures) if measures else 0
    return [f"median of {middle} {what}, at most {limit}"] if middle > limit else []


def _print_top(groups: dict[str, list[Measure]], count: int) -> None:
    for title, measures in groups.items():
        print(f"{title}: median {median(value for value, _ in measures)}")
        for value, place in sorted(measures, reverse=True)[:count]:
            print(f"  {value:4d}  {place}")


def main(arguments: list[str]) -> int:
    """Print the exceeded budgets; return the exit code."""
    top = int(arguments[1]) if arguments[:1] == ["--top"] else 0
    rows = faults(top=top)
    print("\n".join(rows), end="\n" if rows else "", file=sys.stderr)
    return bool(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
