"""Detections drawn on their picture: the drawing's contours where the pose puts them, the datum, and a label.

All drawing happens in the picture's own pixels, so that what is drawn can be checked against what is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import Sample
from kontur.geometry import Part, Points
from kontur.modeling.detections import UNKNOWN, Detections, from_poses
from kontur.modeling.masks import rings_px
from kontur.pictures import Picture
from kontur.visualization.labels import Label, darken, draw_labels
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
    where a part looks alike at every angle), and a label with name, score and `flipped` where a part that shows its face
    lies face down. What no part explains shows a grey quadrilateral, labelled `unknown`. Colours are stable per part index.

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
    colours = [bgr(part_colour(int(part))) for part in detections.part]
    return _stroke(
        picture,
        [_Line(ring, colour) for index, colour in enumerate(colours) for ring in rings_px(detections, index, parts)],
    )


def draw_datums(picture: Picture, detections: Detections, parts: Sequence[Part]) -> Picture:
    """Return a copy with a cross at every datum and a tick along the part's x axis."""
    lines = []
    zoom = _line_width_px(picture)
    for index, part in enumerate(detections.part):
        colour = bgr(part_colour(int(part)))
        arms = _cross(detections, index, zoom, _has_axis(int(part), parts))
        lines += [_Line(arm, colour, closed=False) for arm in arms]
    return _stroke(picture, lines)


def _cross(detections: Detections, index: int, zoom: int, axis: bool) -> list[Points]:
    """Two arms along the part's axes as they are seen, the x one longer on its positive side; (2, 2) px each."""
    pose, datum = detections.pose(index), detections.uv[index]
    linear = pose.matrix[:, :2] / pose.scale_px_per_mm
    arm, long_arm = _CROSS_ARM_PX * zoom, (_AXIS_PX if axis else _CROSS_ARM_PX) * zoom
    x_arm = np.array([-arm * linear[:, 0], long_arm * linear[:, 0]])
    y_arm = np.array([-arm * linear[:, 1], arm * linear[:, 1]])
    return [datum + x_arm, datum + y_arm]


def _has_faces(part: int, parts: Sequence[Part]) -> bool:
    """Whether it shows which face is up."""
    return part == UNKNOWN or parts[part].chiral


def _has_axis(part: int, parts: Sequence[Part]) -> bool:
    return part != UNKNOWN and parts[part].symmetry != 0


@dataclass(frozen=True, eq=False)
class _Line:
    """A polyline to be drawn: (N, 2) px, blue-green-red, and how many line widths thick."""

    points: Points
    colour: tuple[int, int, int]
    closed: bool = True
    widths: int = 1


def _stroke(picture: Picture, lines: Sequence[_Line]) -> Picture:
    """Draw lines over their own common dark halo."""
    halo = np.zeros(picture.shape[:2], np.uint8)
    for line in lines:
        width = line.widths * _line_width_px(picture) + 2
        cv2.polylines(halo, [_fixed_point(line.points)], line.closed, 255, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    canvas = darken(picture, halo, _HALO)
    for line in lines:
        width = line.widths * _line_width_px(picture)
        points = [_fixed_point(line.points)]
        cv2.polylines(canvas, points, line.closed, line.colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def _fixed_point(points_px: Points) -> cv2.typing.MatLike:
    return np.round(points_px * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _line_width_px(picture: Picture) -> int:
    return max(1, round(max(picture.shape[:2]) / _PIXELS_PER_LINE_WIDTH))


def _make_labels(detections: Detections, parts: Sequence[Part], scores: bool) -> list[Label]:
    """Labels by falling score: the surest detection gets the best place."""
    labels = []
    for index in np.argsort(-detections.score, kind="stable").tolist():
        part = int(detections.part[index])
        words = [parts[part].name if part != UNKNOWN else "unknown"]
        words += [f"{detections.score[index]:.2f}"] * scores + ["flipped"] * (
            bool(detections.flipped[index]) and _has_faces(part, parts)
        )
        rings = rings_px(detections, index, parts)
        labels.append(Label(" ".join(words), part_colour(part), detections.uv[index], rings))
    return labels


@dataclass(frozen=True, eq=False)
class Outline:
    """A mask to be outlined: (H, W) bool pixels, `#RRGGBB`, a label (none when empty), and whether it shall stand out."""

    pixels: NDArray[np.bool_]
    colour: str
    text: str = ""
    bold: bool = False


def draw_outlines(picture: Picture, outlines: Sequence[Outline]) -> Picture:
    """Return a copy with masks outlined (holes too) and labelled; outlines run through the masks' border pixels."""
    rings = [_border_rings(outline.pixels) for outline in outlines]
    lines = [
        _Line(ring, bgr(outline.colour), widths=1 + outline.bold)
        for outline, group in zip(outlines, rings, strict=True)
        for ring in group
    ]
    labels = [
        Label(o.text, o.colour, group[0].mean(axis=0), group)
        for o, group in zip(outlines, rings, strict=True)
        if o.text and group
    ]
    return draw_labels(_stroke(picture, lines), labels)


def _border_rings(mask: NDArray[np.bool_]) -> list[Points]:
    """(N, 2) px rings along the border pixels of a mask and its holes, the longest first."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return sorted((ring.reshape(-1, 2).astype(np.float64) for ring in found), key=len, reverse=True)


def draw_truth(sample: Sample, parts: Sequence[Part]) -> Picture:
    """Return a copy of a sample's picture with its instances drawn as `draw_overlay` draws detections."""
    size_wh = (sample.image.shape[1], sample.image.shape[0])
    indices, poses = [item.part for item in sample.instances], [item.pose for item in sample.instances]
    return draw_overlay(sample.image, from_poses(size_wh, indices, [1.0] * len(poses), poses), parts, scores=False)
