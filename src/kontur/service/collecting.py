"""Uncertain pictures, kept for somebody to label: a bounded ring of files, the oldest go first.

Each is the picture as it came, beside a JSON of what was found in it, which a labelling tool can start from.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kontur.errors import WorkspaceError
from kontur.files import write_bytes, write_text

_SUFFIX_OF = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    b"RIFF": ".webp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}


def is_uncertain(document: dict[str, Any], below: float) -> bool:
    """Whether a picture's result has something unknown in it, or a detection scored below `below`."""
    return bool(document["unknown"]) or any(entry["score"] < below for entry in document["detections"])


@dataclass(frozen=True)
class PictureRing:
    """A folder that holds at most so many bytes.

    Attributes:
        folder: where the pictures go; made when it is not there.
        most_bytes: pictures and results together.
    """

    folder: Path
    most_bytes: int

    def keep(self, data: bytes, document: dict[str, Any]) -> Path | None:
        """Store an encoded picture and its result, and make room; None when the picture was there already.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        suffix = next((suffix for magic, suffix in _SUFFIX_OF.items() if data.startswith(magic)), ".bin")
        digest = hashlib.sha256(data).hexdigest()[:16]
        if any(self.folder.glob(f"*_{digest}.*")):
            return None
        path = self.folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}_{digest}{suffix}"
        write_bytes(path, data)
        write_text(path.with_suffix(".json"), json.dumps(document, allow_nan=False) + "\n")
        self._make_room()
        return path

    def pictures(self) -> list[Path]:
        """Return the pictures, the oldest first."""
        return sorted(path for path in self.folder.glob("*_*.*") if path.suffix in _SUFFIX_OF.values())

    def _make_room(self) -> None:
        """Delete the oldest until the rest fits."""
        try:
            entries = sorted((entry.name, entry.stat().st_size) for entry in os.scandir(self.folder) if entry.is_file())
            total = sum(size for _, size in entries)
            for name, size in entries:
                if total <= self.most_bytes:
                    return
                (self.folder / name).unlink(missing_ok=True)
                total -= size
        except OSError as error:
            raise WorkspaceError(f"{self.folder}: cannot be cleared ({error.strerror}); check its rights") from error
