"""Where pictures come from: files, folders, glob patterns, videos, cameras and network streams, all as frames."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2

from kontur.errors import PictureError
from kontur.pictures import Picture, find_pictures, read_picture

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".mjpeg", ".mjpg", ".ts")
STREAM_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://", "udp://", "tcp://", "rtmp://")
_TIMEOUT_MS = 10_000
"""A camera or stream that says nothing for so long has failed."""


class Frame(NamedTuple):
    """A picture of a source.

    Attributes:
        name: the file's name; for videos and streams with the frame's number, as clip.mp4#12 (from 0).
        picture: (H, W, 3) uint8 BGR; None where a file could not be read.
        time_s: since the beginning of a video; None for pictures.
        fault: why there is no picture.
    """

    name: str
    picture: Picture | None
    time_s: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class Source:
    """Something that frames can be read from, as often as it allows.

    Attributes:
        paths: picture files; empty for videos and streams.
        stream: what OpenCV opens: a path, a URL or a camera's number; None for pictures.
        frames: how many there are; None when that cannot be known before the end.
        fps: pictures a second of a video or stream; 0 where it does not say.
        live: frames that are not taken in time are lost.
    """

    paths: tuple[Path, ...] = ()
    stream: str | int | None = None
    frames: int | None = None
    fps: float = 0.0
    live: bool = False

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames one after the other."""
        return _read_files(self.paths) if self.stream is None else _read_stream(self.stream)


def open_source(words: Sequence[str]) -> Source:
    """Return the source that words name: pictures, folders and patterns, or one video, camera number or URL.

    Raises:
        PictureError: nothing there, or a video or stream that cannot be opened, or one beside other sources.
    """
    streams = [word for word in words if is_stream(word)]
    if not streams:
        paths = tuple(find_pictures(words))
        return Source(paths=paths, frames=len(paths))
    if len(words) > 1:
        raise PictureError(f"{streams[0]}: a video, camera or stream is read alone; give it without other sources")
    return _open_stream(streams[0])


def is_stream(word: str) -> bool:
    """Return whether a word names a video, a camera or a network stream rather than pictures."""
    return word.isdigit() or word.lower().startswith(STREAM_SCHEMES) or word.lower().endswith(VIDEO_SUFFIXES)


def _open_stream(word: str) -> Source:
    live = word.isdigit() or "://" in word
    if not live and not Path(word).is_file():
        raise PictureError(f"{word}: no such video; check the path")
    stream: str | int = int(word) if word.isdigit() else word
    with closing(_Capture(stream)) as capture:
        count, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return Source(stream=stream, frames=None if live or count <= 0 else int(count), fps=max(0.0, fps), live=live)


def _read_files(paths: Sequence[Path]) -> Iterator[Frame]:
    for path in paths:
        try:
            yield Frame(path.name, read_picture(path))
        except PictureError as error:
            yield Frame(path.name, None, fault=str(error))


def _read_stream(stream: str | int) -> Iterator[Frame]:
    name = f"camera{stream}" if isinstance(stream, int) else stream.rstrip("/").rpartition("/")[2].partition("?")[0]
    with closing(_Capture(stream)) as capture:
        number = 0
        while (picture := capture.read()) is not None:
            yield Frame(f"{name}#{number}", picture, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            number += 1


class _Capture:
    """OpenCV's reader of videos, cameras and streams, with a time limit and errors instead of silence."""

    def __init__(self, stream: str | int) -> None:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")  # UDP loses parts of pictures
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]
        if isinstance(stream, int):
            self._reader = cv2.VideoCapture(stream)
        else:
            self._reader = cv2.VideoCapture(stream, cv2.CAP_FFMPEG, limits)
        if not self._reader.isOpened():
            what, asked = str(stream), "is it there, and a video that FFmpeg can decode?"
            if isinstance(stream, int):
                what, asked = f"camera {stream}", "is it connected, and free of other programs?"
            raise PictureError(f"{what}: cannot be opened; {asked}")

    def get(self, what: int) -> float:
        """Return one of OpenCV's CAP_PROP values."""
        return float(self._reader.get(what))

    def read(self) -> Picture | None:
        """Return the next picture, 8-bit BGR; None at the end."""
        good, picture = self._reader.read()
        return picture if good else None

    def close(self) -> None:
        """Let go of the camera or file."""
        self._reader.release()
