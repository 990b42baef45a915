"""What a client sends, checked by content before it is decoded. Names that clients give are labels, never paths."""

import io
from dataclasses import dataclass

from fastapi import UploadFile
from PIL import Image, UnidentifiedImageError

from kontur.service.problems import Problem

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_LONGEST_NAME = 120
_DXF_MAGIC = (b"AutoCAD Binary DXF", b"\x1f\x8b")


@dataclass(frozen=True)
class PictureUpload:
    """A picture as it came: encoded bytes, and the client's name for it as a label."""

    label: str
    data: bytes


def label_of(name: str | None) -> str:
    """Return a client's file name as a short printable label: last component only, no control characters."""
    text = (name or "picture").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST_NAME] or "picture"


async def read_pictures(uploads: list[UploadFile], most: int, most_pixels: float) -> list[PictureUpload]:
    """Read and check uploaded pictures.

    Raises:
        Problem: 413 too many or too large, 415 not a picture of a known kind.
    """
    if len(uploads) > most:
        raise Problem(413, f"{len(uploads)} pictures; send {most} at a time at most")
    return [await read_picture(upload, most_pixels) for upload in uploads]


async def read_picture(upload: UploadFile, most_pixels: float) -> PictureUpload:
    """Read one uploaded picture and check its kind and size by its header; nothing is decoded."""
    label, data = label_of(upload.filename), await upload.read()
    width, height = _size_of(data, label)
    if width * height > most_pixels:
        raise Problem(
            413, f"{label}: {width} x {height} are over {most_pixels / 1e6:g} megapixels; send a smaller picture"
        )
    return PictureUpload(label, data)


def _size_of(data: bytes, label: str) -> tuple[int, int]:
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Problem(415, f"{label}: not a PNG, JPEG, BMP, TIFF or WebP picture") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


async def read_drawing_upload(upload: UploadFile) -> bytes:
    """Read an uploaded drawing and check that it may be DXF at all.

    Raises:
        Problem: 415 it is not.
    """
    data = await upload.read()
    if not data.startswith(_DXF_MAGIC) and b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Problem(415, f"{label_of(upload.filename)}: not a DXF drawing")
    if not data.strip():
        raise Problem(415, f"{label_of(upload.filename)}: the drawing is empty")
    return data
