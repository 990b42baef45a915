"""The way from a file to a `Drawing`."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from kontur.drawing.assemble import build_parts, concentric_issues, without_frame
from kontur.drawing.cutting import split_cut
from kontur.drawing.entities import BROKEN, NOT_GEOMETRY, Strand
from kontur.drawing.extract import NOT_CUT, USED, Extract, extract, layout_of, unread_entities
from kontur.drawing.limits import Limits
from kontur.drawing.loops import Chain, Ring, find_rings, tolerances
from kontur.drawing.model import Drawing, EntityCount, Issue, Severity, counted
from kontur.drawing.nesting import Nest, nest
from kontur.drawing.planes import FLAT_RELATIVE, XY, find_plane, projected
from kontur.drawing.reader import Loaded, load, read_bytes
from kontur.drawing.rules import DrawingRules
from kontur.drawing.tangles import untangle
from kontur.drawing.unit_evidence import evidence_of
from kontur.drawing.unit_guess import UnitGuess, guess_unit, unit_issue
from kontur.errors import DrawingError
from kontur.files import sha256_of

_LEVEL_SHARE = 0.5
_LARGE_OPEN = 0.5
_SMALL_GAP, _TINY_GAP, _TINY_OPEN = 0.2, 0.1, 0.005
_GRAVITY = ("error", "ambiguous", "warning", "info")


def read_drawing(path: Path, rules: DrawingRules | None = None) -> Drawing:
    """Read one drawing.

    Raises:
        DrawingError: unreadable, or beyond the limits of size and time.
    """
    try:
        with _collector_paused():
            return _read(path, rules or DrawingRules())
    except MemoryError as error:
        raise DrawingError(f"{path}: needs more memory than there is; simplify or split the drawing") from error
    except (*BROKEN, shapely.errors.ShapelyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DrawingError(f"{path}: its data contradict each other ({reason}); save the drawing again") from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from walking the document again and again while it grows: a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(path: Path, rules: DrawingRules) -> Drawing:
    limits = Limits(str(path), rules.max_seconds, rules.max_entities, rules.max_memory_mb)
    data = read_bytes(path, int(rules.max_megabytes * 2**20))
    loaded = load(data, str(path), limits)
    unit, found = _extract(loaded, rules, rules.unit_of(path.name), limits)
    strands, issues = split_cut(found.strands, loaded.document, rules)
    nests, more = _nests(strands, unit.mm, rules, found)
    issues = [*loaded.issues, *unit_issue(unit, rules.min_unit_confidence), *found.issues, *issues, *more]
    parts, more = build_parts(path, nests, rules.sagitta_mm)
    issues.extend(more)
    if not parts:
        issues.append(Issue("no_parts", "error", "no closed contour bounds a part"))
    issues.sort(key=lambda issue: _GRAVITY.index(issue.severity))
    return Drawing(path, sha256_of(path), unit.unit, unit.confidence, _account(found, loaded), parts, tuple(issues))


def _extract(loaded: Loaded, rules: DrawingRules, given: str | None, limits: Limits) -> tuple[UnitGuess, Extract]:
    """Flatten with the unit that the size of the drawing suggests, and again when that was wrong by much."""
    document = loaded.document
    layout = layout_of(document)
    found = extract(document, layout, rules.sagitta_mm, limits)
    size = _size(found)
    unit = (
        UnitGuess(given, 1.0, "given")
        if given
        else guess_unit(loaded.insunits, loaded.measurement, size, _diameters(found), evidence_of(document))
    )
    if unit.mm != 1.0:
        found = extract(document, layout, rules.sagitta_mm / unit.mm, limits)
    return unit, found


def _diameters(found: Extract) -> NDArray[np.float64]:
    """Diameters of the full circles, in drawing units; of a drawing without any, those of its arcs (fillets, slots)."""
    round_ones = [(strand.closed, 2 * strand.arc[3]) for strand in found.strands if strand.arc is not None]
    return np.array([size for closed, size in round_ones if closed] or [size for _, size in round_ones])


def _size(found: Extract) -> float:
    if not found.strands:
        return 0.0
    points = np.concatenate([strand.points for strand in found.strands])
    return float(np.ptp(points, axis=0).max())


def _nests(strands: list[Strand], mm: float, rules: DrawingRules, found: Extract) -> tuple[list[Nest], list[Issue]]:
    """Nest what the drawn lines bound; where they bound nothing, the filled areas."""
    lines, areas = [s for s in strands if not s.area], [s for s in strands if s.area]
    nests, issues = _bounded(lines, mm, rules, found)
    if nests or not areas:
        return nests, issues
    nests, more = _bounded(areas, mm, rules, found)
    if lines and nests:
        text = f"the drawing's {len(lines)} lines bound nothing; its filled areas are taken for parts instead"
        issues.append(Issue("filled_areas", "ambiguous", text, *nests[0].outer.place))
    return nests, issues + more


def _bounded(strands: list[Strand], mm: float, rules: DrawingRules, found: Extract) -> tuple[list[Nest], list[Issue]]:
    curves, flatness = _flat(strands, mm) if strands else ([], [])
    if not curves:
        return [], flatness
    size = float(np.ptp(np.concatenate([c.points for c in curves]), axis=0).max())
    tolerance = tolerances(size, rules.join_mm, rules.close_mm, rules.sagitta_mm)
    rings, chains, issues = find_rings(curves, tolerance)
    rings, chains, more = untangle(rings, chains, curves, tolerance)
    for ring in rings:
        for index in ring.strands:
            found.fates[curves[index].source] = USED
    rings, frame = without_frame(rings)
    nests = nest(rings)
    issues += more + frame + flatness + concentric_issues(nests)
    return nests, issues + _open_issues(chains, rings)


def _flat(strands: list[Strand], mm: float) -> tuple[list[Strand], list[Issue]]:
    """Return the strands in the plane of the drawing; of a drawing that is not flat, those that lie at one height."""
    axes, flat = find_plane(strands)
    if flat:
        other = (
            []
            if axes is XY
            else [Issue("other_plane", "info", f"drawn in another plane than x-y; axes {axes.tolist()}")]
        )
        return [projected(s, axes, mm) for s in strands], other
    level = [s for s in strands if np.ptp(s.points[:, 2]) <= FLAT_RELATIVE * np.ptp(s.points, axis=0).max()]
    if len(level) < _LEVEL_SHARE * len(strands):
        return [], [Issue("not_flat", "error", "the drawing is three-dimensional; kontur reads flat parts only")]
    text = f"of {len(strands)} lines, {len(strands) - len(level)} left out: three-dimensional"
    return [projected(s, XY, mm) for s in level], [Issue("not_flat", "ambiguous", text)]


def _open_issues(chains: list[Chain], rings: list[Ring]) -> list[Issue]:
    """Report open lines; those as large as the contours found, or nearly closed, may be contours that are missing."""
    if not chains:
        return []
    lengths = [float(np.linalg.norm(np.diff(chain.points, axis=0), axis=1).sum()) for chain in chains]
    largest = max((shapely.LinearRing(ring.points).length for ring in rings), default=0.0)
    missing = [
        (length, chain) for length, chain in zip(lengths, chains, strict=True)
        if len(chain.points) > 2 and (0 < _LARGE_OPEN * largest < length or _nearly_closed(chain, length, largest))
    ]  # fmt: skip
    length, longest = max(missing or zip(lengths, chains, strict=True), key=lambda item: item[0])
    lines = counted(len(chains), "open line")
    text = f"{lines} without a contour; the longest, {length:.4g} mm, lacks {longest.gap_mm:.4g} mm to close"
    severity: Severity = "ambiguous" if missing else "warning"
    return [Issue("open_contour", severity, text, *map(float, longest.points[0]))]


def _nearly_closed(chain: Chain, length: float, largest: float) -> bool:
    small, large = chain.gap_mm < _TINY_GAP * length, length > _SMALL_GAP * largest
    return length > _TINY_OPEN * largest and (small or (large and chain.gap_mm < _SMALL_GAP * length))


def _account(found: Extract, loaded: Loaded) -> dict[str, EntityCount]:
    """Say of every entity of the layouts, and of those that only the raw text still lists, what became of it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, fate in zip(found.types, found.fates, strict=True):
        counts[kind][fate] += 1
    unread = Counter(entity.dxftype() for entity in unread_entities(loaded.document, len(found.types)))
    for kind, number in unread.items():
        counts[kind][_fate_unread(kind)] += number
    for kind, number in loaded.listed.items():
        lost = number - sum(counts[kind].values()) if kind in counts else number
        if lost > 0:
            counts[kind]["not_geometry" if kind in NOT_GEOMETRY else "unsupported"] += lost
    return {
        kind: EntityCount(sum(c.values()), c[USED], c["not_geometry"], c[NOT_CUT], c["unsupported"])
        for kind, c in sorted(counts.items())
    }


def _fate_unread(kind: str) -> str:
    return "not_geometry" if kind in NOT_GEOMETRY else NOT_CUT
