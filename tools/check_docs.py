"""Check what the documentation claims about the project; fail with one line for each claim that does not hold.

    python tools/check_docs.py

Checked in README*.md and docs/: relative links and pictures exist; every `kontur ...` command line parses against the
command line as it is; every `make ...` target exists. README.md and docs/guide.md have the same headings,
commands and pictures as their Russian twins. The newest release in CHANGELOG.md is the version in pyproject.toml.
"""

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(kontur [^`\n]+)`")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def pages(root: Path) -> list[Path]:
    """Return the pages of the documentation."""
    return sorted(root.glob("README*.md")) + sorted((root / "docs").rglob("*.md"))


def dead_links(page: Path) -> Iterator[str]:
    """Yield every relative link of a page that leads nowhere."""
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
            yield target


def command_lines(text: str) -> Iterator[str]:
    """Yield the command lines of a page: of its shell blocks, without prompts, comments and continuations."""
    for language, block in _BLOCK.findall(text):
        if language not in {"", "sh", "bash", "console"}:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            command = line.strip().removeprefix("$ ").split("  #")[0].split(" | ")[0].strip()
            if command.startswith(("kontur ", "make ")):
                yield command
    yield from _INLINE.findall(_BLOCK.sub("", text))


def wrong_command(command: str, targets: set[str]) -> str | None:
    """Return what is wrong with a `kontur ...` or `make ...` command line."""
    words = shlex.split(command)
    if words[0] == "make":
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"no target {unknown[0]}" if unknown else None
    return _wrong_kontur(words[1:])


def _wrong_kontur(words: list[str]) -> str | None:
    import typer

    from kontur.cli import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    name, *rest = (word.strip("[]") for word in words)
    if name.startswith("-") or (name.isupper() and name.isalpha()):  # kontur --help; kontur COMMAND
        return None
    if name not in commands:
        return f"no command {name}"
    known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
    unknown = [word for word in rest if word.startswith("-") and word not in known]
    return f"no option {unknown[0]}" if unknown else None


def twin_faults(one: str, other: str) -> Iterator[str]:
    """Yield what two languages of one page do not share."""
    for what, pattern in (("headings", _HEADING), ("pictures", _PICTURE)):
        if pattern.findall(one) != pattern.findall(other):
            yield f"{what} differ"
    if list(command_lines(one)) != list(command_lines(other)):
        yield "commands differ"


def faults(root: Path = ROOT) -> Iterator[str]:
    """Yield one line for each claim that does not hold."""
    targets = set(re.findall(r"^(\w+):", (root / "Makefile").read_text(), re.MULTILINE))
    for page in pages(root):
        place = page.relative_to(root)
        yield from (f"{place}: dead link {link}" for link in dead_links(page))
        for command in command_lines(page.read_text(encoding="utf-8")):
            if fault := wrong_command(command, targets):
                yield f"{place}: `{command}`: {fault}"
    for twins in (("README.md", "README.ru.md"), ("docs/guide.md", "docs/guide.ru.md")):
        if (root / twins[0]).is_file():
            english, russian = ((root / name).read_text(encoding="utf-8") for name in twins)
            yield from (f"{', '.join(twins)}: {fault}" for fault in twin_faults(english, russian))
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if not re.search(rf"^## \[{re.escape(version)}\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE):
        yield f"CHANGELOG.md: no section for version {version}"


def main() -> int:
    """Print the faults; return the exit code."""
    rows = list(faults())
    print("\n".join(rows), end="\n" if rows else "", file=sys.stderr)
    return bool(rows)


if __name__ == "__main__":
    sys.exit(main())
