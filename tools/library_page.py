"""Write docs/libraries.md from the catalogue, or with --check fail where the two differ.

python tools/library_page.py [--check]
"""

import sys
from pathlib import Path

from kontur.hardware.libraries import render_page

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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
