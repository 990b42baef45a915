"""How many entities a file lists, taken from its raw content, and how many of them a document holds.

The census is taken before and apart from ezdxf, so that it notices what ezdxf drops.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ezdxf.document import Drawing as Document
from ezdxf.entities import DXFEntity, DXFTagStorage

from kontur.drawing.tags import BOUNDING

_TYPE = re.compile(rb"[\r\n][ \t]*0[ \t]*\r?\n[ \t]*([^\s\d+.-][^\r\n]*?|[0-9]D[A-Za-z]+)[ \t]*(?=[\r\n]|$)")
_ENTITIES = re.compile(rb"[\r\n][ \t]*2[ \t]*\r?\n[ \t]*ENTITIES[ \t]*[\r\n]")
_SECTION_END = re.compile(rb"[\r\n][ \t]*0[ \t]*\r?\n[ \t]*(?:ENDSEC|EOF|SECTION)[ \t]*(?=[\r\n]|$)")
_LINE_ENDS = (b"\n", b"\r")
_SUBORDINATE = frozenset({"VERTEX", "SEQEND", "ATTRIB", "ENDSEC", "EOF", "SECTION"})
_NEEDED = {
    "LINE": ("start", "end"),
    "CIRCLE": ("center", "radius"),
    "ARC": ("center", "radius", "start_angle", "end_angle"),
    "ELLIPSE": ("center", "major_axis"),
    "INSERT": ("name", "insert"),
}


@dataclass(frozen=True)
class Census:
    """Counts by type.

    Attributes:
        bounding: entities that bound material, wherever they are.
        inside: of these, the ones in the ENTITIES section.
        listed: all entities of the ENTITIES section, without those that belong to others.
        end: of the file; "marked" by EOF, "open" after a whole line, or "cut" within one.
    """

    bounding: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    end: Literal["marked", "open", "cut"] = "marked"

    @property
    def total(self) -> int:
        """Number of entities that bound material."""
        return sum(self.bounding.values())


def census_of(data: bytes) -> Census:
    """Count the entities in DXF text."""
    start = _ENTITIES.search(data)
    end = _SECTION_END.search(data, start.end() - 1) if start else None
    first, last = (start.end() - 1 if start else len(data)), (end.start() + 1 if end else len(data))
    inside = Counter(_TYPE.findall(data, first, last))
    everywhere = inside + Counter(_TYPE.findall(b"\n" + data[:first])) + Counter(_TYPE.findall(data, last - 1))
    open_end: Literal["open", "cut"] = "open" if data.endswith(_LINE_ENDS) else "cut"
    return Census(
        _bounding(everywhere), _bounding(inside), _named(inside), "marked" if b"EOF" in everywhere else open_end
    )


def census_of_tags(tags: Sequence[tuple[int, object]]) -> Census:
    """Count the entities in the tags of a binary file."""
    names = [str(value).encode() if code == 0 else b"" for code, value in tags]
    starts = [index for index, tag in enumerate(tags) if tag[0] == 2 and tag[1] == "ENTITIES"]
    inside = names[starts[0] :] if starts else []
    listed = Counter(inside[: inside.index(b"ENDSEC")] if b"ENDSEC" in inside else inside)
    del listed[b""]
    return Census(_bounding(Counter(names)), _bounding(listed), _named(listed), "marked" if b"EOF" in names else "cut")


def kept_of(document: Document, census: Census) -> int:
    """Return how many of the entities that bound material the document holds, type by type, with all they need.

    Blocks and the ENTITIES section are compared each with its own, because ezdxf adds arrow blocks of its own.
    """
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    shown = {document.modelspace().layout_key, document.layouts.active_layout().layout_key}
    for block in document.blocks:
        counts = inside if block.block_record_handle in shown and census.inside else outside
        for entity in block:
            kind = entity.dxftype()
            counts[kind] += _is_whole(kind, entity)
            if kind == "POLYLINE":
                counts["VERTEX"] += len(entity.vertices)
    in_blocks = census.bounding - census.inside
    return sum((inside & census.inside).values()) + sum((outside & in_blocks).values())


def _is_whole(kind: str, entity: DXFEntity) -> bool:
    needed = _NEEDED.get(kind)
    if needed is None:
        return not isinstance(entity, DXFTagStorage)
    return all(map(entity.dxf.hasattr, needed))


def _bounding(names: Counter[bytes]) -> Counter[str]:
    return Counter({kind: count for kind, count in _decoded(names).items() if kind in BOUNDING})


def _named(names: Counter[bytes]) -> Counter[str]:
    return Counter({kind: count for kind, count in _decoded(names).items() if kind not in _SUBORDINATE})


def _decoded(names: Counter[bytes]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, count in names.items():
        counts[name.decode("ascii", errors="replace").upper()] += count
    return counts
