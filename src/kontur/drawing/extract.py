"""A document's entities to strands, insertions resolved, with an account of what became of each entity."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor, log2

import numpy as np
from ezdxf.document import Drawing as Document
from ezdxf.entities import DXFEntity, Insert
from ezdxf.math import Vec3
from numpy.typing import NDArray

from kontur.drawing.entities import (
    BROKEN,
    NOT_GEOMETRY,
    READABLE,
    SOLIDS,
    Strand,
    is_similarity,
    strands_of,
    transformed,
)
from kontur.drawing.limits import Limits
from kontur.drawing.model import Issue, counted

USED, NOT_GEOMETRY_FATE, NOT_CUT, UNSUPPORTED = "used", "not_geometry", "not_cut", "unsupported"


_PICTURES = ("*D", "*T", "*X")
"""Blocks that hold the picture of a dimension, a table, a hatch pattern."""


def layout_of(document: Document) -> list[DXFEntity]:
    """Return the entities to read: of the model space, and of the paper spaces when the model space bounds nothing.

    Files that keep everything in blocks which nothing inserts are read as if each block were inserted once.
    """
    model = list(document.modelspace())
    if any(entity.dxftype() not in NOT_GEOMETRY for entity in model):
        return model
    papers = _paper_entities(document)
    if model or papers:
        return model + papers
    return [entity for block in document.blocks if not block.name.startswith(("*", "_")) for entity in block]


def unread_entities(document: Document, read: int) -> list[DXFEntity]:
    """Return the entities of paper spaces when `layout_of` has left them out (it gave `read` entities)."""
    return _paper_entities(document) if read == len(document.modelspace()) else []


def _paper_entities(document: Document) -> list[DXFEntity]:
    return [entity for layout in document.layouts if layout.name != "Model" for entity in layout]


@dataclass
class Extract:
    """Strands of a document and the fate of each entity of its layouts.

    Attributes:
        strands: pieces of curves; `source` indexes `types` and `fates`.
        types: DXF type of each entity.
        fates: `not_geometry`, `unsupported`, or `not_cut` until a strand of it is used.
        issues: what could not be read.
    """

    strands: list[Strand] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def extract(document: Document, entities: Iterable[DXFEntity], sagitta: float, limits: Limits) -> Extract:
    """Flatten `entities` (of a layout) at `sagitta` drawing units.

    Raises:
        DrawingError: the limits of entities, points or time are exceeded; checked before blocks are exploded.
    """
    entities = list(entities)
    limits.check_entities(_explosion(document).total(entities))
    result, blocks = Extract(), _Blocks(document, limits, set())
    for source, entity in enumerate(entities):
        fate, strands = _read(entity, sagitta, blocks)
        result.types.append(entity.dxftype())
        result.fates.append(fate)
        for strand in strands:
            strand.source = source
        result.strands.extend(strands)
        if source % 256 == 0:
            limits.check_time()
    result.issues.extend(blocks.issues())
    return result


class _explosion:  # noqa: N801 (used as a function with a memory)
    """Counts entities as if every insertion were exploded."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._counts: dict[str, int] = {}

    def total(self, entities: Iterable[DXFEntity]) -> int:
        """Sum the estimate over entities."""
        return sum(self._one(entity) for entity in entities)

    def _one(self, entity: DXFEntity) -> int:
        if entity.dxftype() != "INSERT":
            return 1
        name = entity.dxf.get("name", "")
        if name not in self._counts:
            self._counts[name] = 0  # a block that holds itself counts once
            block = self._document.blocks.get(name)
            self._counts[name] = self.total(block) if block is not None else 0
        return max(1, self._counts[name]) * copies(entity)


def copies(insert: Insert) -> int:
    """Number of copies of an arrayed insertion."""
    return max(1, insert.dxf.get("column_count", 1)) * max(1, insert.dxf.get("row_count", 1))


def _read(entity: DXFEntity, sagitta: float, blocks: "_Blocks") -> tuple[str, list[Strand]]:
    kind = entity.dxftype()
    if kind in NOT_GEOMETRY or (kind == "INSERT" and entity.dxf.get("name", "").upper().startswith(_PICTURES)):
        return NOT_GEOMETRY_FATE, []
    try:
        if kind in READABLE and entity.dxf.get("invisible", 0):
            return NOT_CUT, []
        strands = blocks.inserted(entity, sagitta) if kind == "INSERT" else strands_of(entity, sagitta)
    except BROKEN as error:
        blocks.broken[f"{kind}: {error}"] += 1
        return UNSUPPORTED, []
    if strands is None:
        blocks.unsupported[kind] += 1
        return UNSUPPORTED, []
    blocks.limits.check_points(sum(len(strand.points) for strand in strands))
    return NOT_CUT, strands


class _Blocks:
    """Block contents flattened once per name and fineness, and what was wrong inside."""

    def __init__(self, document: Document, limits: Limits, open_names: set[str]) -> None:
        self.document, self.limits = document, limits
        self.broken: Counter[str] = Counter()
        self.unsupported: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self._open = open_names
        self._contents: dict[tuple[str, int], list[Strand]] = {}

    def inserted(self, insert: Insert, sagitta: float) -> list[Strand]:
        """Return the strands of one insertion, all its copies, in its container's coordinates."""
        name, matrix = insert.dxf.get("name", ""), np.array(list(insert.matrix44().rows()))
        scale = float(max(np.linalg.norm(matrix[0, :3]), np.linalg.norm(matrix[1, :3])))
        if name not in self.document.blocks:
            self.missing[name] += 1
            return []
        if not np.isfinite(matrix).all() or scale == 0:
            raise ValueError("an insertion scaled by nothing or not finite")
        content = self._content(name, sagitta / scale)
        similar = is_similarity(matrix)
        strands: list[Strand] = []
        for shift in _array_shifts(insert):
            placed = matrix.copy()
            placed[3, :3] += shift
            strands.extend(_inherit(transformed(strand, placed, similar), insert) for strand in content)
            self.limits.check_points(sum(len(strand.points) for strand in content))
        return strands

    def _content(self, name: str, sagitta: float) -> list[Strand]:
        fineness = floor(log2(sagitta))
        key = (name, fineness)
        if name in self._open:
            self.missing[f"{name} (inserted into itself)"] += 1
            return []
        if key not in self._contents:
            self._open.add(name)
            strands: list[Strand] = []
            for entity in self.document.blocks.get(name):
                strands.extend(_read(entity, 2.0**fineness, self)[1])
            self._open.discard(name)
            self._contents[key] = strands
        return self._contents[key]

    def issues(self) -> list[Issue]:
        """Return what could not be read, one issue per kind."""
        return [
            *(Issue("broken_entity", "error", f"{n} x {what}; left out, mend or redraw it") for what, n in
              self.broken.items()),
            *(Issue("unsupported_entity", "ambiguous" if what in SOLIDS else "warning",
                    f"{n} x {what}: kontur cannot read its shape; left out") for what, n in self.unsupported.items()),
            *(Issue("missing_block", "warning", f"{counted(n, 'insertion')} of block {what!r} left out: the file lacks it")
              for what, n in self.missing.items()),
        ]  # fmt: skip


def _array_shifts(insert: Insert) -> NDArray[np.float64]:
    """(M, 3) offsets of an arrayed insertion's copies."""
    if copies(insert) == 1:
        return np.zeros((1, 3))
    dxf, ocs = insert.dxf, insert.ocs()
    columns = np.arange(max(1, dxf.get("column_count", 1))) * dxf.get("column_spacing", 0.0)
    rows = np.arange(max(1, dxf.get("row_count", 1))) * dxf.get("row_spacing", 0.0)
    along = np.array(ocs.to_wcs(Vec3.from_deg_angle(dxf.get("rotation", 0.0))).xyz)
    across = np.array(ocs.to_wcs(Vec3.from_deg_angle(dxf.get("rotation", 0.0) + 90)).xyz)
    return (columns[:, None, None] * along + rows[None, :, None] * across).reshape(-1, 3)


def _inherit(strand: Strand, insert: Insert) -> Strand:
    """Resolve layer 0 and BYBLOCK properties at the insertion."""
    if strand.layer == "0":
        strand.layer = insert.dxf.get("layer", "0")
    if strand.linetype.upper() == "BYBLOCK":
        strand.linetype = insert.dxf.get("linetype", "BYLAYER")
    if strand.color == 0:
        strand.color = insert.dxf.get("color", 256)
    return strand
