"""Files to the parts of a run: which drawings there are, what is wrong with them, and names that are unique.

Nothing here loads ezdxf: commands read through a child process (`kontur.drawing.guard`), which does.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path

from kontur.drawing.guard import Reader, guarded_reader
from kontur.drawing.model import Drawing
from kontur.drawing.rules import DrawingRules
from kontur.errors import DrawingError
from kontur.geometry import Part
from kontur.geometry.copies import merge_copies

SUFFIXES = (".dxf", ".dxf.gz")


def find_drawings(sources: Iterable[str | Path]) -> list[Path]:
    """Expand files, folders (not recursive) and glob patterns into drawing paths, sorted within each source.

    Raises:
        DrawingError: a source matches nothing.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if path.is_dir():
            matches = sorted(p for p in path.iterdir() if p.name.lower().endswith(SUFFIXES))
        elif has_magic(str(source)) and not path.exists():
            names = glob(str(source), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
            matches = sorted(Path(name) for name in names if name.lower().endswith(SUFFIXES))
        else:
            matches = [path]
        if not matches:
            raise DrawingError(f"{source}: no drawings there; give a DXF file, a folder or a glob of {SUFFIXES}")
        found.update(dict.fromkeys(matches))
    return list(found)


def read_parts(
    paths: Iterable[Path], rules: DrawingRules | None = None, read: Reader | None = None
) -> tuple[tuple[Part, ...], tuple[Drawing, ...]]:
    """Read drawings for use: their parts, each with a name unique over all files, and the drawings.

    Copies of one part in a drawing are one part here, named for its first copy, that knows how many they are; the
    drawing itself lists them all.

    Args:
        paths: the files.
        rules: how to read them.
        read: what reads a file; None for a guarded reader: a child process with hard limits of time and memory, one for
            all files. `read_drawing` reads in this process.

    Raises:
        DrawingError: a file is unreadable, holds no parts, or its unit is uncertain (all such files are listed).
    """
    if read is None:
        with guarded_reader() as guarded:
            return read_parts(paths, rules, guarded)
    rules = rules or DrawingRules()
    drawings, faults = [], []
    for path in paths:
        try:
            drawing = read(path, rules)
        except DrawingError as error:
            faults.append(str(error))
            continue
        if not drawing.parts:
            faults.append(f"{path}: no closed contour that bounds a part; see `kontur inspect {path}`")
        elif drawing.unit_confidence < rules.min_unit_confidence:
            faults.append(f"{path}: {_unit_fault(drawing)}")
        drawings.append(drawing)
    if faults:
        count = f"{len(faults)} drawings cannot be used: " if len(faults) > 1 else ""
        raise DrawingError(count + "; ".join(faults))
    return uniquely_named(part for drawing in drawings for part in merge_copies(drawing.parts)), tuple(drawings)


def _unit_fault(drawing: Drawing) -> str:
    reason = next((issue.text for issue in drawing.issues if issue.code == "unit_guessed"), drawing.unit)
    return f"{reason}: in configs/data_config.yaml, under drawings, set units: {{{drawing.file.name!r}: mm}} (or inch, ...)"


def uniquely_named(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts with `~2`, `~3`, ... after names that occur again."""
    names: Counter[str] = Counter()
    unique = []
    for part in parts:
        names[part.name] += 1
        count = names[part.name]
        unique.append(part if count == 1 else replace(part, name=f"{part.name}~{count}"))
    return tuple(unique)
