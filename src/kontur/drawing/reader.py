"""Files to ezdxf documents: plain, zipped, binary, damaged.

Each way of reading can lose entities: readfile refuses, recover's audit deletes. So the entities in the raw text are
counted first, and of the ways that lose some the one that keeps the most is taken.
"""

import gzip
import io
import logging
import re
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ezdxf import recover
from ezdxf.document import Drawing as Document
from ezdxf.filemanagement import dxf_stream_info
from ezdxf.filemanagement import read as read_text
from ezdxf.lldxf.const import DXFError
from ezdxf.lldxf.tagger import binary_tags_loader

from kontur.drawing.entities import BROKEN
from kontur.drawing.limits import Limits
from kontur.drawing.model import Issue
from kontur.drawing.tags import rewrite
from kontur.errors import DrawingError

_GZIP = b"\x1f\x8b"
_BINARY = b"AutoCAD Binary DXF\r\n\x1a\x00"
_DWG = re.compile(rb"AC10\d\d\x00")
_COUNTED = (
    "LINE", "CIRCLE", "ARC", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE", "INSERT", "SOLID", "TRACE", "3DFACE", "HATCH",
    "MLINE", "MESH", "REGION", "HELIX", "VERTEX",
)  # fmt: skip
_ENTITY = re.compile(rb"(?:^|[\r\n])[ \t]*0[ \t]*\r?\n[ \t]*(" + "|".join(_COUNTED).encode() + rb")[ \t]*(?=[\r\n])")
_STRUCTURE = re.compile(rb"(?:^|[\r\n])[ \t]*0[ \t]*\r?\n[ \t]*[A-Z0-9_]{2,}[ \t]*(?=[\r\n])")
_ANY_TYPE = re.compile(rb"[\r\n][ \t]*0[ \t]*\r?\n[ \t]*([^\s\d+.-][^\r\n]*?)[ \t]*(?=[\r\n])")
_ENTITIES = re.compile(rb"[\r\n][ \t]*2[ \t]*\r?\n[ \t]*ENTITIES[ \t]*[\r\n]")
_SECTION_END = re.compile(rb"[\r\n][ \t]*0[ \t]*\r?\n[ \t]*(?:ENDSEC|EOF|SECTION)[ \t]*(?=[\r\n]|$)")
_SUBORDINATE = ("VERTEX", "SEQEND", "ATTRIB", "ENDSEC", "EOF", "SECTION")
_UNIT = re.compile(rb"\$INSUNITS\s+70\s+(\d+)")
_MEASUREMENT = re.compile(rb"\$MEASUREMENT\s+70\s+(\d+)")
_HEADER = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n0\nENDSEC\n"
_HEAD_BYTES = 400_000
_FAILURES = (*BROKEN, DXFError, OSError, struct.error, AssertionError, StopIteration)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A document, what its file says of units (None where it says nothing), and how it had to be read.

    `listed` counts the types in the ENTITIES section of the raw text (empty for binary files).
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
        DrawingError: missing, empty or larger than `max_bytes` once unpacked.
    """
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
    binary = data.startswith(_BINARY)
    if not binary:
        _check_text(data, name)
    raw = Counter() if binary else Counter(match.decode() for match in _ENTITY.findall(data))
    limits.check_entities(sum(raw.values()))
    document, issues = _best(data, name, binary, raw, limits)
    head = data[:_HEAD_BYTES]
    if binary:
        return Loaded(document, *_binary_units(document, head), tuple(issues), Counter())
    return Loaded(document, _number(_UNIT, head), _number(_MEASUREMENT, head), tuple(issues), _listed(data))


def _listed(data: bytes) -> Counter[str]:
    """Count the entities of the ENTITIES section by type, without the ones that belong to others."""
    start = _ENTITIES.search(data)
    end = _SECTION_END.search(data, start.end()) if start else None
    if start is None:
        return Counter()
    found = _ANY_TYPE.findall(data, start.end() - 1, end.start() + 1 if end else len(data))
    counts = Counter(name.decode("ascii", errors="replace") for name in found)
    for name in _SUBORDINATE:
        counts.pop(name, None)
    return counts


def _best(data: bytes, name: str, binary: bool, raw: Counter[str], limits: Limits) -> tuple[Document, list[Issue]]:
    ways = {"as it is": _plain, "by recovery": _recovered, "tag by tag": _rewritten}
    if binary:
        ways = {"as it is": _binary, "by recovery": _recovered}
    best: tuple[int, str, Document] | None = None
    reasons = []
    for way, function in ways.items():
        try:
            document = function(data)
            kept = _kept(document, raw)
        except _FAILURES as error:
            reasons.append(" ".join(str(error).split()) or type(error).__name__)
            continue
        finally:
            limits.check_time()
        if best is None or kept > best[0]:
            best = (kept, way, document)
        if kept >= sum(raw.values()):
            break
    if best is None:
        raise DrawingError(f"{name}: not a DXF that can be read ({reasons[0]}); save it again as DXF")
    return best[2], _loss_issues(best, raw, reasons)


def _loss_issues(best: tuple[int, str, Document], raw: Counter[str], reasons: list[str]) -> list[Issue]:
    kept, way, _ = best
    issues = []
    if way != "as it is":
        text = f"the file is damaged or unorthodox ({reasons[0] if reasons else 'entities got lost'}); read {way}"
        issues.append(Issue("damaged_file", "info", text))
    if kept < sum(raw.values()):
        lost = f"{sum(raw.values()) - kept} of {sum(raw.values())} entities could not be read from the file"
        issues.append(Issue("lost_entities", "ambiguous", lost))
    return issues


def _kept(document: Document, raw: Counter[str]) -> int:
    """How many of the entities in the raw text the document holds, type by type."""
    counts: Counter[str] = Counter()
    for block in document.blocks:
        counts.update(entity.dxftype() for entity in block)
        counts["VERTEX"] += sum(len(entity.vertices) for entity in block.query("POLYLINE"))
    return sum(min(counts[kind], count) for kind, count in raw.items())


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
    text = data.decode(encoding, errors="surrogateescape")
    return _HEADER + text if "$ACADVER" not in head and "AcDb" in text and "HEADER" not in head else text


def _plain(data: bytes) -> Document:
    return read_text(io.StringIO(_text(data), newline=None))


def _recovered(data: bytes) -> Document:
    return recover.read(io.BytesIO(data))[0]


def _rewritten(data: bytes) -> Document:
    return read_text(io.StringIO(rewrite(_text(data))))


def _binary(data: bytes) -> Document:
    return Document.load(binary_tags_loader(data))


def _number(pattern: re.Pattern[bytes], head: bytes) -> int | None:
    match = pattern.search(head)
    return int(match[1][:9]) if match else None


def _binary_units(document: Document, head: bytes) -> tuple[int | None, int | None]:
    header = document.header
    return (
        header.get("$INSUNITS") if b"$INSUNITS" in head else None,
        header.get("$MEASUREMENT") if b"$MEASUREMENT" in head else None,
    )
