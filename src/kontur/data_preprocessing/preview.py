"""Contact sheets: many samples on one picture, with or without their truth drawn in."""

from collections.abc import Sequence

import cv2
import numpy as np

from kontur.data_preprocessing.sample import Sample
from kontur.geometry import Part
from kontur.pictures import Picture

_TILE_WIDTH_PX = 400
_GAP_PX = 4
_COLOURS = ((80, 255, 80), (80, 160, 255), (255, 180, 60), (230, 90, 255), (60, 240, 240), (255, 255, 90))
_SUBPIXEL_BITS = 4


def contact_sheet(samples: Sequence[Sample], parts: Sequence[Part], labels: bool) -> Picture:
    """Return a sheet of the samples, about half as high as wide; with `labels`, contours, datum axes and names."""
    tiles = [_tile(draw_truth(sample, parts) if labels else sample.image) for sample in samples]
    columns = max(1, int(np.ceil(np.sqrt(1.3 * len(tiles)))))
    height = max(tile.shape[0] for tile in tiles)
    rows = int(np.ceil(len(tiles) / columns))
    sheet = np.full((rows * (height + _GAP_PX), columns * (_TILE_WIDTH_PX + _GAP_PX), 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + _GAP_PX), number % columns * (_TILE_WIDTH_PX + _GAP_PX)
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def draw_truth(sample: Sample, parts: Sequence[Part]) -> Picture:
    """Return a copy of the picture with every instance's contour (by its pose), datum, x axis and name."""
    picture = sample.image.copy()
    for number, instance in enumerate(sample.instances):
        colour = _COLOURS[number % len(_COLOURS)]
        for contour in parts[instance.part].contours:
            ring = np.rint(instance.pose.apply(contour.points) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.polylines(picture, [ring], True, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
        reach = parts[instance.part].radius_mm / 2
        start, end = np.rint(instance.pose.apply(np.array([[0.0, 0.0], [reach, 0.0]]))).astype(int).tolist()
        cv2.arrowedLine(picture, start, end, colour, 1, cv2.LINE_AA)
        name = parts[instance.part].name + (" (down)" if instance.pose.flipped else "")
        cv2.putText(picture, name, (start[0] + 4, start[1] - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return picture


def _tile(picture: Picture) -> Picture:
    factor = _TILE_WIDTH_PX / picture.shape[1]
    return cv2.resize(picture, (_TILE_WIDTH_PX, round(picture.shape[0] * factor)), interpolation=cv2.INTER_AREA)
