"""What is a cut contour: layer, colour and linetype rules, and how they decided."""

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from ezdxf.document import Drawing as Document

from kontur.drawing.entities import Strand
from kontur.drawing.model import Issue
from kontur.drawing.rules import DOUBTFUL_LAYERS, DOUBTFUL_LINETYPES, NOT_CUT_LAYERS, NOT_CUT_LINETYPES, DrawingRules

_BYLAYER_COLOR = 256


class Reason(NamedTuple):
    """Why lines are not cut.

    Attributes:
        text: empty when they are.
        default: whether only the default rules say so.
        doubtful: whether their closed contours may be cut after all.
    """

    text: str = ""
    default: bool = False
    doubtful: bool = False


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
    if color in rules.exclude_colors:
        return Reason(f"colour {color} is excluded")
    by_layer = _match(layer, NOT_CUT_LAYERS if rules.exclude_layers is None else rules.exclude_layers)
    if by_layer:
        return Reason(f"layer {layer!r}", rules.exclude_layers is None, _match(layer, DOUBTFUL_LAYERS))
    if rules.exclude_layers is None and entry is not None and (entry.is_off() or entry.is_frozen()):
        return Reason(f"layer {layer!r} is hidden (set exclude_layers to read it)", True, True)
    if _match(linetype, NOT_CUT_LINETYPES if rules.exclude_linetypes is None else rules.exclude_linetypes):
        return Reason(f"linetype {linetype!r}", rules.exclude_linetypes is None, _match(linetype, DOUBTFUL_LINETYPES))
    return Reason()


def _match(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _issues(strands: list[Strand], reasons: list[Reason]) -> Iterable[Issue]:
    counts = Counter(reason for reason in reasons if reason.text)
    closed = Counter(reason for strand, reason in zip(strands, reasons, strict=True) if strand.closed)
    for reason, count in counts.items():
        doubtful = reason.default and reason.doubtful and closed[reason] > 0
        tail = f"; {closed[reason]} of them are closed" if doubtful else ""
        yield Issue("not_cut", "ambiguous" if doubtful else "info", f"{count} lines not cut: {reason.text}{tail}")
