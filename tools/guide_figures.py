"""Write the measured figures into the guide, in both languages; or with --check fail where they are not those measured.

    python tools/guide_figures.py [--check]

A figure of docs/guide.md stands between two comments:

    <!-- photoreal/scores/match/mask_AP50 = .2f -->0.97<!-- / -->

The first names a file of benchmarks/results, the keys that lead to the number, and Python's format of it. Where that file
is not there yet, words stand in its place. No line may begin with such a comment: Markdown takes it for a block of HTML.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURE = re.compile(r"<!-- (?P<keys>[^=>]+?) = (?P<format>[^>]+?) -->(?P<shown>.*?)<!-- / -->")
PAGES = {"docs/guide.md": ("(not measured yet)", "."), "docs/guide.ru.md": ("(ещё не измерено)", ",")}
"""Each with the words for what is not measured, and the decimal mark."""


def measured(root: Path, keys: str) -> float | None:
    """Return the number that the keys lead to; None where its benchmark has no result yet.

    Raises:
        KeyError: the benchmark has a result, but no such number.
    """
    name, *rest = keys.split("/")
    file = root / "benchmarks" / "results" / f"{name}.json"
    if not file.is_file():
        return None
    value = json.loads(file.read_text(encoding="utf-8"))["results"]
    for key in rest:
        if not isinstance(value, dict) or key not in value:
            raise KeyError(f"benchmarks/results/{name}.json has no {'/'.join(rest)}")
        value = value[key]
    return value


def with_figures(root: Path, text: str, missing: str, mark: str) -> str:
    """Return a page with every figure as it was measured."""

    def filled(match: re.Match[str]) -> str:
        value = measured(root, match["keys"])
        shown = missing if value is None else format(value, match["format"]).replace(".", mark)
        return f"<!-- {match['keys']} = {match['format']} -->{shown}<!-- / -->"

    return FIGURE.sub(filled, text)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check; return the exit code."""
    stale = []
    for name, (missing, mark) in PAGES.items():
        page = root / name
        before = page.read_text(encoding="utf-8")
        after = with_figures(root, before, missing, mark)
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(after, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"{', '.join(stale)}: not as measured; run: python tools/guide_figures.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
