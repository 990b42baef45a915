"""Ways to damage DXF text, each as another program, a careless export or a bad copy would."""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

Pair = tuple[str, str]

_NUMBER = re.compile(r"\s*-?\d*\.\d+(?:[eE][-+]?\d+)?\s*$")
_POINTS = ("10", "11", "20", "21", "30", "31")


def pairs_of(text: str) -> list[Pair]:
    """Group codes with their values."""
    rows = text.splitlines()
    return list(zip(rows[::2], rows[1::2], strict=True))


def text_of(pairs: Iterable[Pair]) -> str:
    """The opposite of pairs_of."""
    return "".join(f"{code}\n{value}\n" for code, value in pairs)


def in_entities(change: Callable[[list[Pair]], Iterable[Pair]]) -> Callable[[str], str]:
    """A damage that is done to the tags of the ENTITIES section and of nothing else."""

    def damage(text: str) -> str:
        pairs = pairs_of(text)
        start = next(i for i, pair in enumerate(pairs) if pair[1].strip() == "ENTITIES") + 1
        end = next(i for i in range(start, len(pairs)) if pairs[i][1].strip() == "ENDSEC")
        return text_of([*pairs[:start], *change(pairs[start:end]), *pairs[end:]])

    return damage


def with_values(codes: Iterable[str], change: Callable[[str], str]) -> Callable[[str], str]:
    """A damage to the values of some group codes of the entities."""
    wanted = set(codes)
    return in_entities(lambda pairs: [(c, change(v) if c.strip() in wanted else v) for c, v in pairs])


def without_codes(*codes: str) -> Callable[[str], str]:
    """A file whose entities lack these group codes."""
    return in_entities(lambda pairs: [pair for pair in pairs if pair[0].strip() not in codes])


def decimal_commas(text: str) -> str:
    """As a program writes it that takes the decimal mark from the system's language."""
    return "\n".join(row.replace(".", ",") if _NUMBER.match(row) else row for row in text.splitlines()) + "\n"


def without_section_end(text: str) -> str:
    """Nothing after the last entity: no ENDSEC, no objects, no EOF."""
    return text[: re.search(r"\n *0\nENDSEC", text[text.index("ENTITIES") :]).start() + text.index("ENTITIES") + 1]


def from_section(name: str) -> Callable[[str], str]:
    """A file that starts at a section."""
    return lambda text: text[re.search(rf" *0\nSECTION\n *2\n{name}\n", text).start() :]


def x_before_y(pairs: list[Pair]) -> list[Pair]:
    """LINE codes as 10, 11, 20, 21: ezdxf takes a 20 for granted after each 10."""
    result: list[Pair] = []
    for entity in _entities(pairs):
        points = [pair for pair in entity if pair[0].strip() in _POINTS] if entity[0][1] == "LINE" else []
        result += [pair for pair in entity if pair not in points]
        result += sorted(points, key=lambda pair: _POINTS.index(pair[0].strip()))
    return result


def empty_extended_data(pairs: list[Pair]) -> list[Pair]:
    """Every entity ends in extended data with an integer that has no digits."""
    return [pair for entity in _entities(pairs) for pair in (*entity, ("1001", "ACAD"), ("1071", ""))]


def _entities(pairs: list[Pair]) -> list[list[Pair]]:
    starts = [i for i, pair in enumerate(pairs) if pair[0].strip() == "0"] + [len(pairs)]
    return [pairs[a:b] for a, b in pairwise(starts)]


HARMLESS: dict[str, Callable[[str], str]] = {
    "decimal commas": decimal_commas,
    "no subclass markers": without_codes("100"),
    "no handles": without_codes("5"),
    "one handle for all": with_values(["5"], lambda _: "AA"),
    "no end mark": lambda text: re.sub(r" *0\nEOF\n$", "", text),
    "no end of the section": without_section_end,
    "nothing but entities": from_section("ENTITIES"),
    "codes out of order": in_entities(x_before_y),
    "empty extended data": in_entities(empty_extended_data),
    "whole numbers as decimals": with_values(["62", "70", "90"], lambda value: value.strip() + ".0"),
    "Fortran exponents": with_values(["10", "20", "11", "21"], lambda value: f"{float(value):.12E}".replace("E", "D")),
    "names in small letters": with_values(["0"], str.lower),
    "an older version claimed": lambda text: re.sub(r"AC10\d\d", "AC1009", text, count=1),
    "a newer version claimed": lambda text: re.sub(r"AC10\d\d", "AC1032", text, count=1),
    "no version": lambda text: re.sub(r" *9\n\$ACADVER\n *1\nAC10\d\d\n", "", text, count=1),
    "a blank line between sections": lambda text: text.replace("ENDSEC\n", "ENDSEC\n\n"),
    "a comment before it": lambda text: "999\nexported by hand\n" + text,
    "a DOS end of file": lambda text: text + "\x1a",
    "nothing after it but zeros": lambda text: text + "\x00" * 512,
}
"""Damages after which everything can still be read."""

BYTES: dict[str, Callable[[str], bytes]] = {
    "CR LF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "CR CR LF": lambda text: text.replace("\n", "\r\r\n").encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
}
"""The same text in other bytes."""
