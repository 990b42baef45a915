"""Files to ezdxf documents: plain, zipped, binary, damaged."""

import gzip
import io
import zlib
from pathlib import Path

from ezdxf import recover
from ezdxf.document import Drawing as Document
from ezdxf.filemanagement import dxf_stream_info
from ezdxf.filemanagement import read as read_text
from ezdxf.lldxf.const import DXFError
from ezdxf.lldxf.tagger import binary_tags_loader

from kontur.drawing.entities import BROKEN
from kontur.errors import DrawingError

_GZIP = b"\x1f\x8b"
_BINARY = b"AutoCAD Binary DXF\r\n\x1a\x00"


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


def load(data: bytes, name: str) -> Document:
    """Return the document in `data` by whichever way of reading works.

    Raises:
        DrawingError: no way works.
    """
    try:
        if data.startswith(_BINARY):
            return Document.load(binary_tags_loader(data))
        head = dxf_stream_info(io.StringIO(data[:200_000].decode("utf-8", errors="ignore"), newline=None))
        return read_text(io.StringIO(data.decode(head.encoding, errors="surrogateescape"), newline=None))
    except (*BROKEN, OSError):
        pass
    try:
        return recover.read(io.BytesIO(data))[0]
    except (*BROKEN, DXFError, OSError) as error:
        raise DrawingError(f"{name}: not a DXF that can be read ({error}); save it again as DXF") from error
