"""Drawings to parts: the way from a file to a `Drawing`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path

import numpy as np
from ezdxf.document import Drawing as Document

from kontur.drawing.cutting import split_cut
from kontur.drawing.extract import NOT_CUT, USED, Extract, extract
from kontur.drawing.limits import Limits
from kontur.drawing.loops import Chain, Ring, find_rings, tolerances
from kontur.drawing.model import Drawing, EntityCount, Issue
from kontur.drawing.nesting import Nest, nest
from kontur.drawing.planes import find_plane, projected
from kontur.drawing.reader import load, read_bytes
from kontur.drawing.rules import DrawingRules
from kontur.drawing.tangles import untangle
from kontur.drawing.unit_guess import UnitGuess, guess_unit, unit_issue
from kontur.errors import DrawingError
from kontur.files import sha256_of
from kontur.geometry import Contour, GeometryError, Part, circle_contour, make_part

SUFFIXES = (".dxf", ".dxf.gz")
_GRAVITY = ("error", "ambiguous", "warning", "info")


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
    paths: Iterable[Path], rules: DrawingRules | None = None
) -> tuple[tuple[Part, ...], tuple[Drawing, ...]]:
    """Read drawings for use: every part, its name unique over all files, and the drawings.

    Raises:
        DrawingError: a file is unreadable, holds no parts, or its unit is uncertain (all such files are listed).
    """
    rules = rules or DrawingRules()
    drawings, faults = [], []
    for path in paths:
        try:
            drawing = read_drawing(path, rules)
        except DrawingError as error:
            faults.append(str(error))
            continue
        if not drawing.parts:
            faults.append(f"{path}: no closed contour that bounds a part; see `kontur inspect {path}`")
        elif drawing.unit_confidence < rules.min_unit_confidence:
            faults.append(f"{path}: its unit is uncertain ({drawing.unit}?); set drawings.unit or give --unit")
        drawings.append(drawing)
    if faults:
        raise DrawingError("; ".join(faults))
    names: Counter[str] = Counter()
    parts = []
    for part in (part for drawing in drawings for part in drawing.parts):
        names[part.name] += 1
        count = names[part.name]
        parts.append(part if count == 1 else replace(part, name=f"{part.name}~{count}"))
    return tuple(parts), tuple(drawings)


def read_drawing(path: Path, rules: DrawingRules | None = None) -> Drawing:
    """Read one drawing.

    Raises:
        DrawingError: unreadable, or beyond the limits of size and time.
    """
    rules = rules or DrawingRules()
    limits = Limits(str(path), rules.max_seconds, rules.max_entities)
    data = read_bytes(path, int(rules.max_megabytes * 2**20))
    document = load(data, str(path))
    unit, found = _extract(document, rules, limits)
    strands, issues = split_cut(found.strands, document, rules)
    nests, more = _nests(strands, unit.mm, rules, found)
    issues = [*unit_issue(unit), *found.issues, *issues, *more]
    parts = _parts(path, nests, rules, issues)
    if not parts:
        issues.append(Issue("no_parts", "error", "no closed contour bounds a part"))
    issues.sort(key=lambda issue: _GRAVITY.index(issue.severity))
    return Drawing(path, sha256_of(path), unit.unit, unit.confidence, _account(found), parts, tuple(issues))


def _extract(document: Document, rules: DrawingRules, limits: Limits) -> tuple[UnitGuess, Extract]:
    """Flatten with the unit that the size of the drawing suggests, and again when that was wrong by much."""
    layout = document.modelspace()
    found = extract(document, layout, rules.sagitta_mm, limits)
    size = _size(found)
    unit = UnitGuess(rules.unit, 1.0, "given") if rules.unit else guess_unit(document, size)
    if unit.mm != 1.0:
        found = extract(document, layout, rules.sagitta_mm / unit.mm, limits)
    return unit, found


def _size(found: Extract) -> float:
    if not found.strands:
        return 0.0
    points = np.concatenate([strand.points for strand in found.strands])
    return float(np.ptp(points, axis=0).max())


def _nests(strands: list, mm: float, rules: DrawingRules, found: Extract) -> tuple[list[Nest], list[Issue]]:
    if not strands:
        return [], []
    axes, flat = find_plane(strands)
    if not flat:
        return [], [Issue("not_flat", "error", "the drawing is three-dimensional; kontur reads flat parts only")]
    curves = [projected(s, axes, mm) for s in strands if not s.area]
    curves = curves or [projected(s, axes, mm) for s in strands]
    size = float(np.ptp(np.concatenate([c.points for c in curves]), axis=0).max())
    tolerance = tolerances(size, rules.join_mm, rules.close_mm, rules.sagitta_mm)
    rings, chains, issues = find_rings(curves, tolerance)
    rings, chains, more = untangle(rings, chains, curves, tolerance)
    for ring in rings:
        for index in ring.strands:
            found.fates[curves[index].source] = USED
    return nest(rings), issues + more + _open_issues(chains)


def _open_issues(chains: list[Chain]) -> list[Issue]:
    if not chains:
        return []
    widest = max(chains, key=lambda chain: len(chain.strands))
    x, y = map(float, widest.points[0])
    return [Issue("open_contour", "warning", f"{len(chains)} open lines bound nothing; the longest lacks "
                  f"{widest.gap_mm:.4g} mm to close", x, y)]  # fmt: skip


def _parts(path: Path, nests: list[Nest], rules: DrawingRules, issues: list[Issue]) -> tuple[Part, ...]:
    stem = path.name[: path.name.lower().index(".dxf")] if ".dxf" in path.name.lower() else path.stem
    shapes = []
    for item in nests:
        holes = tuple(_contour(hole, rules.sagitta_mm) for hole in item.holes)
        shapes.append((_contour(item.outer, rules.sagitta_mm), holes))
    shapes.sort(key=lambda shape: (round(shape[0].bounds_mm[0], 3), round(shape[0].bounds_mm[1], 3)))
    parts = []
    for number, (outer, holes) in enumerate(shapes, 1):
        name = stem if len(shapes) == 1 else f"{stem}-{number}"
        try:
            parts.append(make_part(name, outer, holes))
        except GeometryError as error:
            x, y = map(float, outer.points[0])
            issues.append(Issue("invalid_part", "error", str(error), x, y))
    return tuple(parts)


def _contour(ring: Ring, sagitta_mm: float) -> Contour:
    if ring.circle is not None:
        return circle_contour(ring.circle.x_mm, ring.circle.y_mm, ring.circle.radius_mm, sagitta_mm)
    return Contour(ring.points)


def _account(found: Extract) -> dict[str, EntityCount]:
    counts: dict[str, Counter[str]] = {}
    for kind, fate in zip(found.types, found.fates, strict=True):
        counts.setdefault(kind, Counter())[fate] += 1
    return {
        kind: EntityCount(sum(c.values()), c[USED], c["not_geometry"], c[NOT_CUT], c["unsupported"])
        for kind, c in sorted(counts.items())
    }
