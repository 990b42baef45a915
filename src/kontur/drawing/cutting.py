"""What is a cut contour: layer, colour and linetype rules, and how they decided."""

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ezdxf.document import Drawing as Document

from kontur.drawing.entities import Strand
from kontur.drawing.model import Issue
from kontur.drawing.rules import DOUBTFUL_LAYERS, NOT_CUT_LAYERS, NOT_CUT_LINETYPES, DrawingRules

_BYLAYER_COLOR = 256


def split_cut(strands: list[Strand], document: Document, rules: DrawingRules) -> tuple[list[Strand], list[Issue]]:
    """Return the strands that the rules take for cut, and issues that say what was set aside and why.

    The default rules never set everything aside: when nothing closed would remain, they are not applied.
    """
    reasons: dict[tuple[str, str, int], tuple[str, bool]] = {}
    for strand in strands:
        key = (strand.layer, strand.linetype, strand.color)
        if key not in reasons:
            reasons[key] = _reason(key, document, rules)
    kept = [s for s in strands if not reasons[s.layer, s.linetype, s.color][0]]
    by_default = [s for s in strands if reasons[s.layer, s.linetype, s.color][1]]
    if not kept and by_default:
        text = "every line is on a layer or linetype that is usually not cut; taken as cut all the same"
        alike = len({reasons[s.layer, s.linetype, s.color] for s in by_default}) == 1
        return by_default, [Issue("cut_rules_ignored", "info" if alike else "ambiguous", text)]
    return kept, list(_issues(strands, reasons))


def _reason(key: tuple[str, str, int], document: Document, rules: DrawingRules) -> tuple[str, bool]:
    """Why strands of this layer, linetype and colour are not cut ("" when they are), and whether by default only."""
    layer, linetype, color = key
    entry = document.layers.get(layer) if document.layers.has_entry(layer) else None
    if linetype.upper() == "BYLAYER":
        linetype = entry.dxf.get("linetype", "CONTINUOUS") if entry is not None else "CONTINUOUS"
    if color == _BYLAYER_COLOR and entry is not None:
        color = abs(entry.dxf.get("color", 7))
    if not _match(layer, rules.include_layers):
        return f"layer {layer!r} is not included", False
    if color in rules.exclude_colors:
        return f"colour {color} is excluded", False
    for name, value, own, usual in (
        ("layer", layer, rules.exclude_layers, NOT_CUT_LAYERS),
        ("linetype", linetype, rules.exclude_linetypes, NOT_CUT_LINETYPES),
    ):
        if _match(value, usual if own is None else own):
            return f"{name} {value!r}", own is None
    return "", False


def _match(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _issues(strands: list[Strand], reasons: dict[tuple[str, str, int], tuple[str, bool]]) -> Iterable[Issue]:
    counts: Counter[tuple[str, bool]] = Counter()
    closed: Counter[tuple[str, bool]] = Counter()
    for strand in strands:
        reason = reasons[strand.layer, strand.linetype, strand.color]
        counts[reason] += bool(reason[0])
        closed[reason] += bool(reason[0]) and strand.closed
    for (text, default), count in counts.items():
        if count:
            firm = text.startswith("layer") and not any(_match(text[7:-1], [name]) for name in DOUBTFUL_LAYERS)
            doubtful = default and closed[text, default] > 0 and not firm
            tail = f"; {closed[text, default]} of them are closed" if doubtful else ""
            yield Issue("not_cut", "ambiguous" if doubtful else "info", f"{count} lines not cut: {text}{tail}")
