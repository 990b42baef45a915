"""Write docs/libraries.md from the catalogue, or with --check fail where the two differ.

python tools/library_page.py [--check]
"""

import sys
from itertools import groupby
from pathlib import Path

from kontur.hardware.libraries import Entry, Fact, Wheel, looked_up, read_catalogue

PAGE = Path(__file__).resolve().parents[1] / "docs" / "libraries.md"


def main(arguments: list[str], page: Path = PAGE) -> int:
    """Write or check; return the exit code."""
    text = render_page()
    if "--check" not in arguments:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    print(f"{page}: differs from the catalogue; run: python tools/library_page.py", file=sys.stderr)
    return 1


def render_page() -> str:
    """Return docs/libraries.md."""
    catalogue = read_catalogue()
    lines = [
        "# Libraries for computer vision and machine learning on a CPU",
        "",
        "<!-- Written by tools/library_page.py from src/kontur/hardware/libraries.yaml; edit that. -->",
        "",
        "What they are for, what they need, and when to take something else. Each fact was looked up on",
        f"{looked_up()}, in copies of the sources that may be some months older; the numbers behind it lead there.",
        "What could not be found is called unknown. When to choose a library, and when not, is our advice.",
        "",
        "Wheel sizes are those of the newest file for Python 3.11 on Linux x86-64, without dependencies.",
        "`kontur libraries` shows which are installed here, `kontur libraries --measure` times three tasks with each",
        "that can do them, `kontur doctor` says which instruction set each has chosen. The published rows are in the",
        "[benchmarks](benchmarks.md#libraries).",
        "",
        "| library | for | licence | wheel |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| [{entry.name}](#{_anchor(entry.name)}) | {_known(entry.role)} | {_known(entry.licence)} | {_size(entry.wheel)} |"
        for entry in catalogue
    ]
    for kind, entries in groupby(catalogue, key=lambda entry: entry.kind):
        lines += ["", f"## {kind}"]
        for entry in entries:
            lines += ["", f"### {entry.name}", "", *_section(entry)]
    return "\n".join(lines) + "\n"


def _section(entry: Entry) -> list[str]:
    facts = {
        "For": entry.role,
        "Licence": entry.licence,
        "Processor": entry.processor,
        "Threads": entry.threads,
        "Interpreter lock": entry.gil,
    }
    lines = [f"- {title}: {_known(fact)}{_links(fact.sources)}" for title, fact in facts.items()]
    lines.insert(2, f"- Wheel: {_wheel(entry.wheel)}{_links(entry.wheel.sources)}")
    lines.append(f"- **Choose it** {entry.choose.says}{_links(entry.choose.sources)}")
    lines.append(f"- **Look elsewhere** {entry.avoid.says}{_links(entry.avoid.sources)}")
    return lines


def _known(fact: Fact) -> str:
    return fact.says or "unknown"


def _size(wheel: Wheel) -> str:
    return "no wheel" if wheel.mb is None else f"{wheel.mb:g} MB"


def _wheel(wheel: Wheel) -> str:
    words = [_size(wheel)]
    if wheel.version:
        words.append(f"version {wheel.version}" + (f" of {wheel.released}" if wheel.released else ""))
    return "; ".join(filter(None, (", ".join(words), wheel.platforms, wheel.note)))


def _links(sources: tuple[str, ...]) -> str:
    return "".join(f" [[{number}]]({url})" for number, url in enumerate(sources, 1))


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
