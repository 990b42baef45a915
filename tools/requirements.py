"""Write requirements.txt from pyproject.toml, or with --check fail where the two differ.

    python tools/requirements.py [--check]

pyproject.toml is the one place where a dependency is stated. requirements.txt lists what running and training need, for
tools that read nothing else.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Generated from pyproject.toml by tools/requirements.py: what running and training need. Do not edit.\n"
EXTRAS = ("train",)


def render(project: dict) -> str:
    """Return the text of requirements.txt for the [project] table of pyproject.toml."""
    groups = [("run", project["dependencies"])]
    groups += [(extra, project["optional-dependencies"][extra]) for extra in EXTRAS]
    lines = [line for title, names in groups for line in (f"# {title}", *sorted(names))]
    return HEADER + "\n".join(lines) + "\n"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check; return the exit code."""
    text = render(tomllib.loads((root / "pyproject.toml").read_text())["project"])
    target = root / "requirements.txt"
    if "--check" not in arguments:
        target.write_text(text)
        return 0
    if target.is_file() and target.read_text() == text:
        return 0
    print(f"{target}: differs from pyproject.toml; run: python tools/requirements.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
