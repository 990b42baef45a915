"""Pictures in and out of files: 8-bit BGR arrays, decoded by OpenCV."""

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.errors import PictureError
from kontur.files import write_bytes

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")

Picture = NDArray[np.uint8]


def read_picture(path: Path) -> Picture:
    """Decode a picture file.

    Returns:
        (H, W, 3) uint8, channels B, G, R. The EXIF orientation is ignored: the pixel frame is the sensor's.

    Raises:
        PictureError: missing, empty or undecodable file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str) -> Picture:
    """Decode the bytes of a picture file; `name` is for messages. See `read_picture`.

    Raises:
        PictureError: empty or undecodable.
    """
    if not data:
        raise PictureError(f"{name}: the file is empty; save the picture again")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise PictureError(f"{name}: refused by the decoder ({error.err}); is it too large?") from error
    if picture is None:
        raise PictureError(f"{name}: not a picture that can be decoded; give one of {', '.join(SUFFIXES)}")
    return picture


def write_picture(path: Path, picture: Picture, parameters: Iterable[int] = ()) -> None:
    """Encode by the suffix of `path` (OpenCV's encoder `parameters`) and write atomically.

    Raises:
        PictureError: the suffix names no known format.
        WorkspaceError: the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path}: no encoder for {path.suffix!r}; use one of {', '.join(SUFFIXES)}")
    write_bytes(path, encode_picture(picture, path.suffix, parameters))


def encode_picture(picture: Picture, suffix: str, parameters: Iterable[int] = ()) -> bytes:
    """Return the bytes of a picture file of the kind that `suffix` (one of `SUFFIXES`) names."""
    return cv2.imencode(suffix, picture, list(parameters))[1].tobytes()


def find_pictures(sources: Iterable[str | Path]) -> list[Path]:
    """Expand files, folders (not recursive) and glob patterns into picture paths, sorted within each source.

    Raises:
        PictureError: a source matches nothing.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if path.is_dir():
            matches = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        elif has_magic(str(source)) and not path.exists():
            matches = sorted(p for p in _glob(str(source)) if p.suffix.lower() in SUFFIXES)
        else:
            matches = [path] if path.is_file() else []
        if not matches:
            raise PictureError(
                f"{source}: no pictures there; give a picture, a folder or a glob of {', '.join(SUFFIXES)}"
            )
        found.update(dict.fromkeys(matches))
    return list(found)


def _glob(pattern: str) -> list[Path]:
    return [Path(match) for match in glob(pattern, recursive=True)]  # noqa: PTH207 (Path.glob takes no absolute pattern)
