"""Detections drawn on their picture: the drawing's contours where the pose puts them, the datum, and a label.

All drawing happens in the picture's own pixels, so that what is drawn can be checked against what is seen.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from kontur.geometry import Part, Points
from kontur.modeling.detections import UNKNOWN, Detections
from kontur.pictures import Picture
from kontur.visualization.labels import Label, darken, draw_labels, text_height_px
from kontur.visualization.style import bgr, part_colour

_SUBPIXEL_BITS = 4
"""OpenCV draws lines at positions of 1/16 px."""
_HALO = 0.55
"""How far the pixels around a line are darkened."""
_CROSS_ARM_PX = 4.0
_AXIS_PX = 13.0
_PIXELS_PER_LINE_WIDTH = 900


def draw_overlay(picture: Picture, detections: Detections, parts: Sequence[Part], *, scores: bool = True) -> Picture:
    """Return a copy of the picture with every detection drawn on it.

    Each detection shows its outline and holes, a cross at the datum with a longer tick along the drawing's x axis (none
    where a part looks alike at every angle), and a label with name, score and `flipped` where it lies face down. What no
    part explains shows a grey cross and the label `unknown`. Colours are stable per part index.

    Args:
        picture: (H, W, 3) uint8 BGR, unchanged.
        detections: in this picture.
        parts: the list that `detections.part` indexes.
        scores: whether labels carry the score; truth has none.
    """
    canvas = draw_contours(picture, detections, parts)
    canvas = draw_datums(canvas, detections, parts)
    return draw_labels(canvas, _make_labels(detections, parts, scores))


def draw_contours(picture: Picture, detections: Detections, parts: Sequence[Part]) -> Picture:
    """Return a copy with the projected outlines and holes, antialiased, with a dark halo."""
    strokes = [(bgr(part_colour(int(detections.part[index]))), rings) for index, rings in _projected(detections, parts)]
    return _stroke(picture, [(colour, ring, True) for colour, rings in strokes for ring in rings])


def draw_datums(picture: Picture, detections: Detections, parts: Sequence[Part]) -> Picture:
    """Return a copy with a cross at every datum and a tick along the part's x axis."""
    lines = []
    zoom = _line_width_px(picture)
    for index, part in enumerate(detections.part):
        colour = bgr(part_colour(int(part)))
        lines += [(colour, line, False) for line in _cross(detections, index, zoom, _has_axis(int(part), parts))]
    return _stroke(picture, lines)


def _cross(detections: Detections, index: int, zoom: int, axis: bool) -> list[Points]:
    """Two arms along the part's axes as they are seen, the x one longer on its positive side; (2, 2) px each."""
    pose, datum = detections.pose(index), detections.uv[index]
    linear = pose.matrix[:, :2] / pose.scale_px_per_mm
    arm, long_arm = _CROSS_ARM_PX * zoom, (_AXIS_PX if axis else _CROSS_ARM_PX) * zoom
    x_arm = np.array([-arm * linear[:, 0], long_arm * linear[:, 0]])
    y_arm = np.array([-arm * linear[:, 1], arm * linear[:, 1]])
    return [datum + x_arm, datum + y_arm]


def _has_axis(part: int, parts: Sequence[Part]) -> bool:
    return part != UNKNOWN and parts[part].symmetry != 0


def _projected(detections: Detections, parts: Sequence[Part]) -> list[tuple[int, list[Points]]]:
    """Index and rings in px of every detection that a part explains."""
    known = [(index, parts[part]) for index, part in enumerate(detections.part) if part != UNKNOWN]
    return [(i, [detections.project(i, contour.points) for contour in part.contours]) for i, part in known]


def _stroke(picture: Picture, lines: list[tuple[tuple[int, int, int], Points, bool]]) -> Picture:
    """Draw (colour, (N, 2) px, closed) lines over their own common dark halo."""
    width = _line_width_px(picture)
    halo = np.zeros(picture.shape[:2], np.uint8)
    fixed = [(colour, _fixed_point(points), closed) for colour, points, closed in lines]
    for _, points, closed in fixed:
        cv2.polylines(halo, [points], closed, 255, width + 2, cv2.LINE_AA, _SUBPIXEL_BITS)
    canvas = darken(picture, halo, _HALO)
    for colour, points, closed in fixed:
        cv2.polylines(canvas, [points], closed, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def _fixed_point(points_px: Points) -> cv2.typing.MatLike:
    return np.round(points_px * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _line_width_px(picture: Picture) -> int:
    return max(1, round(max(picture.shape[:2]) / _PIXELS_PER_LINE_WIDTH))


def _make_labels(detections: Detections, parts: Sequence[Part], scores: bool) -> list[Label]:
    rings = dict(_projected(detections, parts))
    reach = text_height_px(detections.size_wh)
    labels = []
    for index in np.argsort(-detections.score, kind="stable"):
        part, score = int(detections.part[index]), float(detections.score[index])
        datum = detections.uv[index]
        square = datum + np.array([[-reach, -reach], [reach, -reach], [reach, reach], [-reach, reach]])
        words = [parts[part].name if part != UNKNOWN else "unknown"]
        words += [f"{score:.2f}"] * scores + ["flipped"] * bool(detections.flipped[index])
        labels.append(Label(" ".join(words), part_colour(part), datum, rings.get(int(index), [square])))
    return labels
