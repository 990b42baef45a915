"""What is a cut contour: layer, colour and linetype rules, and how they decided."""

from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
import shapely
from ezdxf.document import Drawing as Document

from kontur.drawing.entities import Points3, Strand
from kontur.drawing.model import Issue, counted
from kontur.drawing.rules import (
    DOUBTFUL_LAYERS,
    DOUBTFUL_LINETYPES,
    FRAME_LAYERS,
    NOT_CUT_LAYERS,
    NOT_CUT_LINETYPES,
    DrawingRules,
)

_BYLAYER_COLOR = 256
_JOIN_RELATIVE = 1e-5


class Reason(NamedTuple):
    """Why lines are not cut.

    Attributes:
        text: empty when they are.
        default: whether only the default rules say so.
        doubtful: whether their closed contours may be cut after all.
        frame: whether those may that do not hold everything else.
    """

    text: str = ""
    default: bool = False
    doubtful: bool = False
    frame: bool = False


def split_cut(strands: list[Strand], document: Document, rules: DrawingRules) -> tuple[list[Strand], list[Issue]]:
    """Return the strands that the rules take for cut, and issues that say what was set aside and why.

    The default rules never set everything aside: when nothing would remain, they are not applied.
    """
    reasons: dict[tuple[str, str, int], Reason] = {}
    for strand in strands:
        key = (strand.layer, strand.linetype, strand.color)
        if key not in reasons:
            reasons[key] = _reason(key, document, rules)
    of_strands = [reasons[s.layer, s.linetype, s.color] for s in strands]
    kept = [s for s, reason in zip(strands, of_strands, strict=True) if not reason.text]
    by_default = [s for s, reason in zip(strands, of_strands, strict=True) if reason.default]
    if not kept and by_default:
        text = "every line is on a layer or linetype that is usually not cut, or hidden; taken as cut all the same"
        alike = len({reasons[s.layer, s.linetype, s.color] for s in by_default}) == 1
        return by_default, [Issue("cut_rules_ignored", "info" if alike else "ambiguous", text)]
    return kept, list(_issues(strands, of_strands))


def _reason(key: tuple[str, str, int], document: Document, rules: DrawingRules) -> Reason:
    """Why strands of this layer, linetype and colour are not cut."""
    layer, linetype, color = key
    entry = document.layers.get(layer) if document.layers.has_entry(layer) else None
    if linetype.upper() == "BYLAYER":
        linetype = entry.dxf.get("linetype", "CONTINUOUS") if entry is not None else "CONTINUOUS"
    if color == _BYLAYER_COLOR and entry is not None:
        color = abs(entry.dxf.get("color", 7))
    if not _match(layer, rules.include_layers):
        return Reason(f"layer {layer!r} is not included")
    if not _match(linetype, rules.include_linetypes):
        return Reason(f"linetype {linetype!r} is not included")
    if rules.include_colors is not None and color not in rules.include_colors:
        return Reason(f"colour {color} is not included")
    if color in rules.exclude_colors:
        return Reason(f"colour {color} is excluded")
    by_layer = _match(layer, NOT_CUT_LAYERS if rules.exclude_layers is None else rules.exclude_layers)
    if by_layer:
        default = rules.exclude_layers is None
        return Reason(f"layer {layer!r}", default, _match(layer, DOUBTFUL_LAYERS), _match(layer, FRAME_LAYERS))
    if rules.exclude_layers is None and entry is not None and (entry.is_off() or entry.is_frozen()):
        return Reason(f"layer {layer!r} is hidden (set exclude_layers to read it)", True, True)
    if _match(linetype, NOT_CUT_LINETYPES if rules.exclude_linetypes is None else rules.exclude_linetypes):
        return Reason(f"linetype {linetype!r}", rules.exclude_linetypes is None, _match(linetype, DOUBTFUL_LINETYPES))
    return Reason()


def _match(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _issues(strands: list[Strand], reasons: list[Reason]) -> Iterable[Issue]:
    aside: dict[Reason, list[Strand]] = defaultdict(list)
    for strand, reason in zip(strands, reasons, strict=True):
        aside[reason].append(strand)
    kept = [strand.points for strand in aside.pop(Reason(), [])]
    for reason, own in aside.items():
        asked = reason.default and (reason.doubtful or reason.frame)
        closed = _closed(own, kept if reason.frame else []) if asked else 0
        tail = f"; they bound {counted(closed, 'area')}" if closed else ""
        yield Issue(
            "not_cut", "ambiguous" if closed else "info", f"{counted(len(own), 'line')} not cut: {reason.text}{tail}"
        )


def _closed(strands: list[Strand], held: list[Points3]) -> int:
    """Number of closed contours among strands and those that their ends make up, without such as hold all of `held`."""
    rings = [strand.points for strand in strands if strand.closed]
    lines = [strand.points for strand in strands if not strand.closed]
    if lines:
        size = float(max(np.ptp(np.concatenate(lines), axis=0).max(), np.finfo(float).tiny))
        joined = shapely.set_precision([shapely.linestrings(points[:, :2]) for points in lines], _JOIN_RELATIVE * size)
        rings += [shapely.get_coordinates(face.exterior) for face in shapely.polygonize(joined).geoms]
    if not held:
        return len(rings)
    low, high = (function(np.concatenate(held)[:, :2], axis=0) for function in (np.min, np.max))
    return sum(bool((ring[:, :2].min(axis=0) > low).any() or (ring[:, :2].max(axis=0) < high).any()) for ring in rings)
