"""A hook of mkdocs: the page modules.md, made from the first line of every module's docstring, so that it is never stale."""

import ast
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "kontur"


def first_line(path: Path) -> str:
    """Return what a module says it is for."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0].rstrip(".")


def render(package: Path = PACKAGE) -> str:
    """Return the page: one table for each folder of the package."""
    paths = sorted(package.rglob("*.py"), key=lambda path: (path.parent, path.name))
    lines = ["# Modules", "", "What each module is for, in its own words."]
    for folder, group in groupby(paths, key=lambda path: path.parent):
        lines += ["", f"## {Path(package.name) / folder.relative_to(package)}", "", "| module | is for |", "|---|---|"]
        for path in group:
            name = "the package" if path.name == "__init__.py" else f"`{path.stem}`"
            lines.append(f"| {name} | {first_line(path).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the page to those that mkdocs found."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "modules.md", content=render()))
    return files
