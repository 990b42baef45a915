"""Pictures far larger than those trained on, in overlapping tiles: memory stays that of one tile.

Tiles overlap by the largest part, so that each part lies whole in the tile whose core holds its datum. The cores share the
picture out. A datum on the line between two cores may be found in both or, by a pixel, in neither: cores are widened by a
seam, and of two detections of one part in the same place the better one is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.detections import Detections, Detector, concatenate
from kontur.pictures import Picture

LARGE_PX = 2048
"""Pictures with a longer side are tiled."""
LEAST_TILE_PX = 1024
_PARTS_PER_TILE = 4
"""A tile is at least so many times as wide as the largest part."""
_SEAM_PX = 8

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in px, half open."""


class TiledDetector:
    """A detector that sees large pictures in tiles.

    Attributes:
        parts: of the detector inside.
    """

    def __init__(self, detector: Detector, largest_px: float, large_px: int = LARGE_PX, tile_px: int = 0) -> None:
        """Wrap a detector.

        Args:
            detector: for the tiles.
            largest_px: diameter of the largest part in the pictures to come, px.
            large_px: pictures whose longer side is greater are tiled.
            tile_px: side of a tile; 0 for one that suits the parts.
        """
        self.parts: Sequence[Part] = detector.parts
        self._detector = detector
        self._large = large_px
        self._overlap = int(np.ceil(largest_px)) + 2 * _SEAM_PX
        self._tile = max(tile_px or max(LEAST_TILE_PX, int(_PARTS_PER_TILE * largest_px)), 2 * self._overlap)

    def tiles(self, picture: Picture) -> bool:
        """Return whether a picture is so large that it is tiled."""
        return max(picture.shape[:2]) > self._large

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture of any size; best first."""
        if not self.tiles(picture):
            return self._detector.detect(picture)
        height, width = picture.shape[:2]
        rows = [
            self._in_tile(picture, tile, core) for tile, core in tile_boxes((width, height), self._tile, self._overlap)
        ]
        found = concatenate(rows)
        found = found[np.argsort(-found.score, kind="stable")]
        return found[_first_of_each_place(found)]

    def _in_tile(self, picture: Picture, tile: Box, core: Box) -> Detections:
        x0, y0, x1, y1 = tile
        found = self._detector.detect(np.ascontiguousarray(picture[y0:y1, x0:x1]))
        shift = np.array([[1.0, 0, x0], [0, 1, y0], [0, 0, 1]])
        moved = replace(found, size_wh=(picture.shape[1], picture.shape[0]), matrix=shift @ found.matrix)
        low, high = np.array(core[:2]) - _SEAM_PX, np.array(core[2:]) + _SEAM_PX
        return moved[np.asarray(((moved.uv >= low) & (moved.uv < high)).all(axis=1))]


def tile_boxes(size_wh: tuple[int, int], tile_px: int, overlap_px: int) -> Iterator[tuple[Box, Box]]:
    """Yield (tile, core) boxes: the tiles overlap by at least `overlap_px`, the cores share out the picture.

    A core at the picture's border reaches beyond it: a cut part may have its datum outside.
    """
    columns, rows = (_spans(side, tile_px, overlap_px) for side in size_wh)
    for (y0, y1), (core_y0, core_y1) in rows:
        for (x0, x1), (core_x0, core_x1) in columns:
            yield (x0, y0, x1, y1), (core_x0, core_y0, core_x1, core_y1)


def _spans(side: int, tile: int, overlap: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    count = max(1, int(np.ceil((side - overlap) / (tile - overlap))))
    starts = np.round(np.linspace(0, max(0, side - tile), count)).astype(int).tolist()
    ends = [min(side, start + tile) for start in starts]
    between = [(end + start) // 2 for end, start in zip(ends[:-1], starts[1:], strict=True)]
    lows, highs = [-side, *between], [*between, 2 * side]
    return list(zip(zip(starts, ends, strict=True), zip(lows, highs, strict=True), strict=True))


def _first_of_each_place(found: Detections) -> NDArray[np.bool_]:
    """Return which detections are the first of their part within a seam's width of their datum."""
    near = np.linalg.norm(found.uv[:, None] - found.uv[None], axis=2) < 2 * _SEAM_PX
    same = near & (found.part[:, None] == found.part[None])
    return np.asarray(~np.tril(same, -1).any(axis=1), bool)


def largest_part_px(parts: Sequence[Part], mm_per_px: float) -> float:
    """Return the diameter of the largest part about its datum, px, at the finest scale `mm_per_px`."""
    return max(2 * part.radius_mm for part in parts) / mm_per_px
