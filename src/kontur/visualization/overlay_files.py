"""Overlays written picture by picture: as PNG files, or as a video."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2

from kontur.errors import WorkspaceError
from kontur.pictures import Picture, write_picture

FALLBACK_FPS = 25.0
"""Of a video whose source does not say."""

AddOverlay = Callable[[str, Picture], None]
"""Called with the frame's name and the overlay."""


@contextmanager
def overlay_pictures(folder: Path) -> Iterator[AddOverlay]:
    """Write PNG files named after their frames; the suffix or a number tells those of one name apart."""
    taken: set[str] = set()

    def add(name: str, overlay: Picture) -> None:
        """Write one overlay."""
        stream, _, number = name.partition("#")
        file = f"{Path(stream).stem}-{int(number):06d}" if number.isdigit() else name
        write_picture(folder / f"{distinct_name(file, taken)}.png", overlay)

    yield add


def distinct_name(name: str, taken: set[str]) -> str:
    """Return a file's stem, or its name, or that with a number: the first that is not in `taken`, to which it is added."""
    candidates: Sequence[str] = [Path(name).stem, name]
    chosen = next((one for one in candidates if one not in taken), None)
    number = 2
    while chosen is None:
        chosen = f"{name}-{number}" if f"{name}-{number}" not in taken else None
        number += 1
    taken.add(chosen)
    return chosen


@contextmanager
def overlay_video(path: Path, fps: float) -> Iterator[AddOverlay]:
    """Write an MP4 (MPEG-4 part 2), as wide and high as the first picture; others are resized.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    writer: cv2.VideoWriter | None = None
    size_wh = (0, 0)

    def add(_name: str, overlay: Picture) -> None:
        """Write one overlay."""
        nonlocal writer, size_wh
        if writer is None:
            size_wh = (overlay.shape[1], overlay.shape[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps or FALLBACK_FPS, size_wh)
            if not writer.isOpened():
                raise WorkspaceError(f"{path}: cannot be written; check rights, or save overlays instead of a video")
        same = (overlay.shape[1], overlay.shape[0]) == size_wh
        writer.write(overlay if same else cv2.resize(overlay, size_wh))

    try:
        yield add
    finally:
        if writer is not None:
            writer.release()
