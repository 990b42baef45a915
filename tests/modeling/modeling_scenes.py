"""Small scenes made without the generator: filled polygons at known poses, an oracle for training and proposals."""

from collections.abc import Sequence

import numpy as np
import shapely

from kontur.data_preprocessing.sample import Instance, Sample
from kontur.geometry import Contour, Part, PixelPose, circle_contour, make_part

BACKGROUND = 60
MATERIAL = 200


def bracket(name: str = "bracket") -> Part:
    """A chiral L of 40 x 25 mm with one hole."""
    corners = np.array([[0, 0], [40, 0], [40, 10], [12, 10], [12, 25], [0, 25]], float)
    return make_part(name, Contour(corners), (circle_contour(32, 5, 2.5),))


def washer(name: str = "washer") -> Part:
    """A ring of 24 and 12 mm."""
    return make_part(name, circle_contour(0, 0, 12), (circle_contour(0, 0, 6),))


def triangle(name: str = "triangle") -> Part:
    """An equilateral triangle of radius 18 mm: 3-fold, not chiral."""
    angle = np.pi / 2 + np.arange(3) * 2 * np.pi / 3
    return make_part(name, Contour(18 * np.column_stack([np.cos(angle), np.sin(angle)])))


def paint(parts: Sequence[Part], placed: Sequence[tuple[int, PixelPose]], size_wh: tuple[int, int]) -> Sample:
    """Paint parts flat, later ones on top; a pixel belongs to a part when shapely says its centre lies in it."""
    width, height = size_wh
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    image = np.full((height, width, 3), BACKGROUND, np.uint8)
    ids = np.zeros((height, width), np.uint8)
    whole = []
    for number, (part, pose) in enumerate(placed, 1):
        rings = [pose.apply(contour.points) for contour in parts[part].contours]
        inside = shapely.contains_xy(shapely.Polygon(rings[0], rings[1:]), columns.ravel(), rows.ravel())
        inside = inside.reshape(height, width)
        ids[inside] = number
        image[inside] = MATERIAL
        whole.append(parts[part].area_mm2 * pose.scale_px_per_mm**2)
    fractions = [min(1.0, float((ids == number).sum() / area)) for number, area in enumerate(whole, 1)]
    instances = tuple(Instance(part, pose, f) for (part, pose), f in zip(placed, fractions, strict=True))
    return Sample(image, ids, instances)
