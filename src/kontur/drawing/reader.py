"""Files to ezdxf documents: plain, zipped, binary, damaged.

Each way of reading can lose entities: readfile refuses, recover's audit deletes, and both make up numbers for what they
cannot read. So the entities in the raw content are counted first; of the ways that lose some, the one that keeps the most
is taken; and all ways but the first read a text from which what is not whole was left out.
"""

import gzip
import io
import logging
import re
import struct
import textwrap
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ezdxf import recover
from ezdxf.document import Drawing as Document
from ezdxf.filemanagement import dxf_stream_info
from ezdxf.filemanagement import read as read_text
from ezdxf.lldxf.const import DXFError
from ezdxf.lldxf.tagger import binary_tags_loader

from kontur.drawing.census import Census, census_of, census_of_tags, kept_of
from kontur.drawing.entities import BROKEN
from kontur.drawing.limits import Limits
from kontur.drawing.model import Issue
from kontur.drawing.rewrite import rewrite
from kontur.drawing.tags import Tag, mend, rows_of
from kontur.errors import DrawingError

_GZIP = b"\x1f\x8b"
_BINARY = b"AutoCAD Binary DXF\r\n\x1a\x00"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_DWG = re.compile(rb"AC10\d\d\x00")
_STRUCTURE = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?[ \t]*0[ \t]*\r?\n[ \t]*[A-Za-z0-9_]{2,}[ \t]*(?=[\r\n])")
_UNIT = re.compile(rb"\$INSUNITS\s+70\s+(\d+)")
_MEASUREMENT = re.compile(rb"\$MEASUREMENT\s+70\s+(\d+)")
_HEADER = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n0\nENDSEC\n"
_HEADER_SECTION = re.compile(r"[\r\n][ \t]*2[ \t]*\r?\n[ \t]*HEADER[ \t]*[\r\n]")
_AS_IT_IS = "as it is"
_LONGEST_REASON = 120
_HEAD_BYTES = 400_000
_FAILURES = (*BROKEN, DXFError, OSError, struct.error, AssertionError, StopIteration)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A document, what its file says of units (None where it says nothing), and how it had to be read.

    `listed` counts the types in the ENTITIES section of the raw content.
    `insunits` and `measurement` are taken from the file itself: ezdxf fills in values of its own where they are absent.
    """

    document: Document
    insunits: int | None
    measurement: int | None
    issues: tuple[Issue, ...]
    listed: Counter[str]


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return a file's content, unpacked when it is gzip.

    Raises:
        DrawingError: missing, no regular file, empty or larger than `max_bytes` once unpacked.
    """
    if path.exists() and not path.is_file():
        raise DrawingError(f"{path}: not a file; give a DXF file")
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
        if data.startswith(_GZIP):
            with gzip.open(path) as packed:
                data = packed.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DrawingError(f"{path}: cannot be read ({reason}); check the path and the file") from error
    if not data.strip():
        raise DrawingError(f"{path}: the file is empty; save the drawing again")
    if len(data) > max_bytes:
        raise DrawingError(f"{path}: larger than {max_bytes >> 20} MB; split it or raise drawings.max_megabytes")
    return data


def load(data: bytes, name: str, limits: Limits) -> Loaded:
    """Return the document in `data` by whichever way of reading keeps the most entities.

    Raises:
        DrawingError: not a DXF, beyond the limits, or no way works.
    """
    logging.getLogger("ezdxf").addHandler(logging.NullHandler())  # its findings are judged here, not printed
    if data.startswith(_BINARY):
        return _load_binary(data, name, limits)
    data = _plain_lines(data)
    _check_text(data, name)
    return _load_text(data, name, limits)


def _load_text(data: bytes, name: str, limits: Limits) -> Loaded:
    census, text = census_of(data), _text(data)
    limits.check_entities(census.total)
    limits.check_memory(len(data), census.total)
    ways = {_AS_IT_IS: lambda: read_text(io.StringIO(text, newline=None)), **_mending_ways(lambda: text)}
    document, issues = _best(ways, name, census, limits)
    head = data[:_HEAD_BYTES]
    return Loaded(document, _number(_UNIT, head), _number(_MEASUREMENT, head), tuple(issues), census.listed)


def _load_binary(data: bytes, name: str, limits: Limits) -> Loaded:
    """Read a binary file; one that is damaged is read as the text it would be, as far as it goes."""
    tags, whole = _binary_tags(data)
    census = census_of_tags(tags)
    limits.check_entities(census.total)
    limits.check_memory(len(data), census.total)
    ways = {_AS_IT_IS: lambda: Document.load(iter(tags))} if whole else {}
    ways |= _mending_ways(lambda: "\n".join([*rows_of(*map(_as_text, tags)), ""]))
    document, issues = _best(ways, name, census, limits)
    header = {variable: tags[index + 1][1] for index, (code, variable) in enumerate(tags[:-1]) if code == 9}
    units = (_int(header.get("$INSUNITS")), _int(header.get("$MEASUREMENT")))
    return Loaded(document, *units, tuple(issues), census.listed)


def _mending_ways(text: Callable[[], str]) -> dict[str, Callable[[], Document]]:
    """The ways of reading damaged text, best first; it is mended once, when that is needed."""
    clean = cache(lambda: mend(text()))
    return {
        "with its values mended": lambda: read_text(io.StringIO(clean())),
        "by recovery": lambda: recover.read(io.BytesIO(clean().encode("utf-8", "surrogateescape")))[0],
        "tag by tag": lambda: read_text(io.StringIO(rewrite(clean()))),
    }


def _best(
    ways: dict[str, Callable[[], Document]], name: str, census: Census, limits: Limits
) -> tuple[Document, list[Issue]]:
    best: tuple[int, str, Document] | None = None
    reasons = []
    for way, function in ways.items():
        try:
            document = function()
            kept = kept_of(document, census)
        except _FAILURES as error:
            reasons.append(_in_short(error))
            continue
        finally:
            limits.check_time()
        if best is None or kept > best[0] or (kept == best[0] and best[1] == _AS_IT_IS):
            best = (kept, way, document)
        if kept >= census.total:
            break
    if best is None:
        raise DrawingError(f"{name}: not a DXF that can be read ({reasons[0]}); save it again as DXF")
    return best[2], _loss_issues(best, census, reasons)


def _in_short(error: BaseException) -> str:
    """An error's text on one line, without the garbage that it may quote."""
    words = " ".join(str(error).encode("ascii", "replace").decode().split())
    text = "".join(char if char.isprintable() else "?" for char in words)
    return textwrap.shorten(text, _LONGEST_REASON, placeholder="...") or type(error).__name__


def _loss_issues(best: tuple[int, str, Document], census: Census, reasons: list[str]) -> list[Issue]:
    kept, way, _ = best
    issues = []
    if way != _AS_IT_IS:
        text = f"the file is damaged or unorthodox ({reasons[0] if reasons else 'entities got lost'}); read {way}"
        issues.append(Issue("damaged_file", "info", text))
    if kept < census.total:
        lost = f"{census.total - kept} of {census.total} entities could not be read from the file"
        issues.append(Issue("lost_entities", "ambiguous", f"{lost}; left out, save the drawing again"))
    if census.end != "marked":
        cut = census.end == "cut"
        text = "was cut off" if cut else "has no end mark and may have been cut off"
        issues.append(Issue("no_end", "ambiguous" if cut else "warning", f"the file {text}; save the drawing again"))
    return issues


def _plain_lines(data: bytes) -> bytes:
    """Return UTF-16 as UTF-8, and lines that end in CR or CR CR LF as lines that end in LF."""
    if data.startswith(_WIDE):
        data = data.decode("utf-16", errors="replace").encode()
    if b"\r\r\n" in data:
        return data.replace(b"\r\r\n", b"\n")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _check_text(data: bytes, name: str) -> None:
    """Refuse what is not a DXF before anything large is done with it."""
    if _DWG.match(data):
        raise DrawingError(f"{name}: a DWG file, not a DXF; save it as DXF")
    if not _STRUCTURE.search(data[:_HEAD_BYTES]):
        raise DrawingError(f"{name}: not a DXF (no group codes in it); save it again as DXF")


def _text(data: bytes) -> str:
    """Decode; a file without a version but with subclass markers is said to be R2000, or ezdxf would not look at them."""
    head = data[:_HEAD_BYTES].decode("utf-8", errors="ignore")
    try:
        encoding = dxf_stream_info(io.StringIO(head, newline=None)).encoding
    except _FAILURES:
        encoding = "cp1252"
    text = data.decode(encoding, errors="surrogateescape").removeprefix("\ufeff")
    headless = "$ACADVER" not in head and _HEADER_SECTION.search(head) is None
    return _HEADER + text if headless and "AcDb" in text else text


def _binary_tags(data: bytes) -> tuple[list[tuple[int, object]], bool]:
    """The tags of a binary file up to its end or to the first that cannot be read, and whether it was the end."""
    tags: list[tuple[int, object]] = []
    try:
        tags.extend(binary_tags_loader(data))
    except _FAILURES:
        return tags, False
    return tags, True


def _as_text(tag: tuple[int, object]) -> Tag:
    code, value = tag
    return code, value.hex() if isinstance(value, bytes) else str(value).replace("\n", " ")


def _number(pattern: re.Pattern[bytes], head: bytes) -> int | None:
    match = pattern.search(head)
    return int(match[1][:9]) if match else None


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
