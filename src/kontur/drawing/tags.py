"""The tolerant look at DXF text: records of group codes, and what of them is whole.

Mended: decimal commas, Fortran exponents, whole numbers written as decimals, stray lines, a missing end. An entity that
bounds material is left out when a number in it cannot be read, a line in it is out of step, or a value that it needs is
missing: a number made up in its place would be a wrong contour that nobody notices. What was left out is counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO

Tag = tuple[int, str]

BOUNDING = frozenset({
    "LINE", "CIRCLE", "ARC", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE", "VERTEX", "INSERT", "SOLID", "TRACE", "3DFACE",
    "HATCH", "MLINE", "MESH", "REGION", "HELIX",
})  # fmt: skip
"""Entities that bound material, or place what does."""

REQUIRED: dict[str, frozenset[int]] = {
    "LINE": frozenset({10, 20, 11, 21}),
    "CIRCLE": frozenset({10, 20, 40}),
    "ARC": frozenset({10, 20, 40, 50, 51}),
    "ELLIPSE": frozenset({10, 20, 11, 21, 40}),
    "INSERT": frozenset({2, 10, 20}),
    "SOLID": frozenset({10, 20, 11, 21, 12, 22}),
    "TRACE": frozenset({10, 20, 11, 21, 12, 22}),
    "3DFACE": frozenset({10, 20, 11, 21, 12, 22}),
}
"""Group codes without which an entity has no shape."""

_MEMBERS = ("VERTEX", "ATTRIB", "SEQEND")
_CODE = re.compile(r"\s*-?\d{1,4}\s*$")
_DECIMAL = re.compile(r"([+-]?)(\d*)[.,]?(\d*)(?:[eEdD]([+-]?\d+))?$")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|1\.#\w+)$", re.IGNORECASE)
_FACE_RECORD = 128
_COMMENT, _EXTENDED = 999, 1000


@dataclass(slots=True)
class Record:
    """What stands between two group codes 0: a type and its tags; `whole` when every line of it could be read."""

    kind: str
    tags: list[Tag] = field(default_factory=list)
    whole: bool = True

    def value(self, code: int, default: str = "") -> str:
        """Return the first value with a group code."""
        return next((value for own, value in self.tags if own == code), default)


def records(text: str) -> Iterator[Record]:
    """Yield the records of `text`; a line that should be a group code and is none is skipped."""
    record = Record("")
    lines = iter(StringIO(text, newline=None))
    for line in lines:
        if not _CODE.match(line):
            record.whole &= not line.strip()
            continue
        code, value = int(line), next(lines, None)
        if code == 0 and value is not None:
            if record.kind:
                yield record
            record = Record(value.strip().upper())
        elif value is None or not value.endswith("\n"):
            record.whole &= code == 0  # the text ends here, perhaps within a number
        elif 0 < code < _COMMENT or code >= _EXTENDED:
            value, good = _mended(code, value.strip())
            record.whole &= good or code >= _EXTENDED
            record.tags.append((code, value))
    if record.kind:
        yield record


def mend(text: str) -> str:
    """Return `text` with its tags in step, its numbers readable, an end, and without the entities that are not whole."""
    rows: list[str] = []
    group: list[Record] = []
    for following in [*_groups(records(text)), []]:
        if group and all(map(is_whole, group)) and (following or _is_complete(group)):
            rows += [row for record in group for row in rows_of((0, record.kind), *record.tags)]
        group = following or group
    kind = group[-1].kind if group else ""
    end = () if kind == "EOF" else ((0, "EOF"),) if kind == "ENDSEC" else ((0, "ENDSEC"), (0, "EOF"))
    return "\n".join([*rows, *rows_of(*end), ""])


def is_whole(record: Record) -> bool:
    """Whether a record is no entity that bounds material, or one that has all it needs."""
    if record.kind not in BOUNDING:
        return True
    if not record.whole:
        return False
    counts = Counter(code for code, _ in record.tags)
    if record.kind == "LWPOLYLINE":
        return counts[10] == counts[20] > 0
    if record.kind == "VERTEX" and not int(record.value(70, "0")) & _FACE_RECORD:
        return counts[10] > 0 and counts[20] > 0
    return all(counts[code] for code in REQUIRED.get(record.kind, ()))


def _is_complete(group: list[Record]) -> bool:
    """Whether the last entity of a file that was cut off has all its points."""
    record = group[0]
    counts = Counter(code for code, _ in record.tags)
    if record.kind == "LWPOLYLINE":
        return counts[10] == int(record.value(90, "0"))
    if record.kind == "SPLINE":
        return (counts[40], counts[10]) == (int(record.value(72, "0")), int(record.value(73, "0")))
    return group[-1].kind == "SEQEND" if record.kind == "POLYLINE" else record.kind not in ("HATCH", "MLINE", "MESH")


def rows_of(*tags: Tag) -> list[str]:
    """Return the lines of tags."""
    return [row for code, value in tags for row in (str(code), value)]


def _groups(found: Iterable[Record]) -> Iterator[list[Record]]:
    """An entity with the vertices or attributes that follow it."""
    group: list[Record] = []
    for record in found:
        if group and record.kind in _MEMBERS and group[0].kind in ("POLYLINE", "INSERT"):
            group.append(record)
            continue
        if group:
            yield group
        group = [record]
    if group:
        yield group


def _mended(code: int, value: str) -> tuple[str, bool]:
    """The value as ezdxf reads it, and whether it is one of the kind that the group code asks for."""
    if 10 <= code < 60 or 110 <= code < 150 or 210 <= code < 240 or 460 <= code < 470 or 1010 <= code < 1060:
        return _decimal(value)
    if 60 <= code < 100 or 160 <= code < 180 or 270 <= code < 300 or 370 <= code < 390 or 400 <= code < 410:
        return _whole(value)
    if 420 <= code < 430 or 440 <= code < 460 or 1060 <= code < 1072:
        return _whole(value)
    return value, True


def _decimal(value: str) -> tuple[str, bool]:
    match = _DECIMAL.match(value)
    if match is None or not (match[2] or match[3]):
        return ("inf" if "inf" in value.lower() else "nan", True) if _NOT_FINITE.match(value) else ("0", False)
    sign, whole, fraction, exponent = match.groups()
    return f"{sign}{whole or '0'}.{fraction or '0'}" + (f"e{exponent}" if exponent else ""), True


def _whole(value: str) -> tuple[str, bool]:
    try:
        return str(int(float(_decimal(value)[0]))), bool(_DECIMAL.match(value) and value)
    except (ValueError, OverflowError):
        return "0", False
