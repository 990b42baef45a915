"""Where every published figure goes: benchmarks/results/NAME.json and a section of docs/benchmarks.md.

Each result carries the machine, the versions and the commit it was measured with.
"""

import json
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kontur.files import write_text
from kontur.hardware.threads import available_cpus

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
LIBRARIES = ("kontur", "numpy", "opencv-python-headless", "shapely", "ezdxf", "torch", "onnxruntime")
_HEADING = "# Benchmarks\n\nEvery table on this page is written by the script named above it; none is edited by hand.\n"


def publish(name: str, title: str, command: str, results: dict[str, Any], text: str, page: Path = PAGE) -> Path:
    """Write results/NAME.json and the section NAME of a page; return the JSON file.

    Args:
        name: of the section, in file-name characters.
        title: its heading.
        command: how to run the script again.
        results: what was measured, plain types.
        text: Markdown of the section (tables), made from `results`.
        page: docs/benchmarks.md unless the figures belong to a page of their own.
    """
    document = {"name": name, "command": command, **circumstances(), "results": results}
    target = RESULTS / f"{name}.json"
    write_text(target, json.dumps(document, indent=1, allow_nan=False) + "\n")
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    body = f"{begin}\n\n## {title}\n\n`{command}`\n\n{text.strip()}\n\n{_signature(document)}\n\n{end}"
    before = page.read_text(encoding="utf-8") if page.is_file() else _HEADING
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    after = pattern.sub(lambda _: body, before) if pattern.search(before) else f"{before.rstrip()}\n\n{body}\n"
    write_text(page, after)
    return target


def circumstances() -> dict[str, Any]:
    """Return the machine, the versions, the commit and the date."""
    libraries = {name: found for name in LIBRARIES if (found := _version(name))}
    system = f"{platform.system()} {platform.machine()}"
    return {
        "machine": {"processor": processor(), "cores": available_cpus(), "system": system},
        "versions": {"python": platform.python_version(), **libraries},
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def processor() -> str:
    """Return the processor's model name."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.is_file() else []
    return names[0] if names else platform.processor() or "unknown"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table; floats are shown with three significant digits."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _signature(document: dict[str, Any]) -> str:
    machine, versions = document["machine"], document["versions"]
    libraries = ", ".join(f"{name} {number}" for name, number in versions.items())
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['system']}"
    return f"*{where}; {libraries}; commit {document['commit']}, {document['date']}.*"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = bool(git("status", "--porcelain", "--untracked-files=no", "--", "src"))
    return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")
