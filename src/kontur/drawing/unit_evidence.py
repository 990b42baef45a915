"""What a drawing's words and dimensions say of its unit.

A note ("all dimensions in mm") or a dimension's suffix names the unit of the numbers. A dimension whose number differs from
the length it measures by a constant factor (written over by hand, or DIMLFAC) tells the unit of the geometry: 25.4 where
inches are dimensioned in millimetres.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ezdxf.document import Drawing as Document
from ezdxf.entities import Dimension

from kontur.drawing.entities import BROKEN
from kontur.geometry.units import MM_PER_UNIT

Evidence = dict[str, float]
"""Log-odds of thumb for units (see unit_guess), by name."""

_MOST_READ = 300
_SAID, _ENGINEERING = 5.0, 1.5
_LUNITS_IN_INCHES = (3, 4)  # engineering and architectural notation
_ANGULAR = (2, 5)
_FACTOR_SLACK = 5e-3
_NAMES = {
    "mm": r"mm|millimet\w*|millimèt\w*|мм|миллиметр\w*", "cm": r"cm|centimet\w*|сантиметр\w*",
    "inch": r"in(?=\.?\s*(?:$|[,;)\n]))|inch(?:es)?|zoll|дюйм\w*", "m": r"met(?:er|re)s?|mètres?|метр\w*",
}  # fmt: skip
_NUMBERS = r"dim(?:ension)?s?|units?|measure(?:ment)?s?|ma(?:ß|ss)e|cotes|einheit(?:en)?|размеры|единиц\w*"
_NOTE = re.compile(
    rf"\b(?:{_NUMBERS})\b[^\n.;]{{0,30}}?(?<!\w)(?:"
    + "|".join(f"(?P<{n}>{p})" for n, p in _NAMES.items())
    + r")(?!\w)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,])(?:R|Ø|⌀|%%[cC])?\s*(\d+(?:[.,]\d+)?|[.,]\d+)\s*(mm|cm|inch|in\b|\"|'')?")
_FORMAT = re.compile(r"\\[A-Za-z][^;\\]*;|[{}]")
_SUFFIX = {"mm": "mm", "cm": "cm", "inch": "inch", "in": "inch", '"': "inch", "''": "inch"}


def evidence_of(document: Document) -> Evidence:
    """Return what the model space's notes and dimensions, and the notation of lengths, say."""
    said = dict.fromkeys(_by_majority(_noted(document)), _SAID)
    for unit in _by_majority(_dimensioned(document)):
        said[unit] = said.get(unit, 0.0) + _SAID
    if document.header.get("$LUNITS", 2) in _LUNITS_IN_INCHES:
        said["inch"] = said.get("inch", 0.0) + _ENGINEERING
    return said


def _by_majority(units: Iterator[str]) -> list[str]:
    """The unit that most say, when it is more than half of them."""
    counts = Counter(units)
    return [unit for unit, count in counts.items() if 2 * count > counts.total()]


def _noted(document: Document) -> Iterator[str]:
    texts = (entity for entity in document.modelspace() if entity.dxftype() in ("TEXT", "MTEXT"))
    for entity in islice(texts, _MOST_READ):
        words = entity.plain_text() if entity.dxftype() == "MTEXT" else entity.dxf.get("text", "")
        for match in _NOTE.finditer(words):
            yield next(name for name, found in match.groupdict().items() if found)


def _dimensioned(document: Document) -> Iterator[str]:
    dimensions = (entity for entity in document.modelspace() if isinstance(entity, Dimension))
    for dimension in islice(dimensions, _MOST_READ):
        try:
            unit = _unit_of(dimension)
        except BROKEN:
            continue
        if unit:
            yield unit


def _unit_of(dimension: Dimension) -> str | None:
    """The unit of the geometry that a dimension's number, suffix and factor lead to, None when they leave it open."""
    if dimension.dimtype in _ANGULAR:
        return None
    style = dimension.override()
    suffix = style.get("dimpost", "") or ""
    factor = float(style.get("dimlfac", 1.0) or 1.0)
    match = _NUMBER.search(_FORMAT.sub("", dimension.dxf.get("text", "")))
    if match is not None:
        factor = float(match[1].replace(",", ".")) / float(dimension.get_measurement())
        suffix = match[2] or suffix
    named = next((unit for ending, unit in _SUFFIX.items() if suffix.strip().endswith(ending)), None)
    return _geometry_unit(abs(factor), named)


def _geometry_unit(factor: float, named: str | None) -> str | None:
    """The unit of lengths that `factor` turns into numbers in `named` (mm or inch when no unit is named)."""
    if named is None and abs(factor - 1) < _FACTOR_SLACK:
        return None
    for number_unit in [named] if named else ["mm", "inch"]:
        mm = factor * MM_PER_UNIT[number_unit]
        for unit in ("mm", "inch", "cm", "m"):
            if abs(mm - MM_PER_UNIT[unit]) < _FACTOR_SLACK * MM_PER_UNIT[unit]:
                return unit
    return None
