"""Parts with known geometry for the tests of modeling."""

import numpy as np

from kontur.geometry import Contour, Part, circle_contour, make_part


def rectangle(width: float, height: float, x: float = 0.0, y: float = 0.0) -> Contour:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2)
    return Contour(corners + (x, y))


def bracket() -> Part:
    """An L of 48 x 36 mm, 12 mm wide, with three holes: chiral, no symmetry."""
    outer = Contour(np.array([[0, 0], [48, 0], [48, 12], [12, 12], [12, 36], [0, 36]], float))
    return make_part("bracket", outer, tuple(circle_contour(x, y, 3.0) for x, y in ((6, 6), (42, 6), (6, 30))))


def plate(holes: int, name: str | None = None) -> Part:
    """A plate of 60 x 40 mm with 3 or 4 corner holes of 6 mm."""
    places = ((-23, -13), (23, -13), (23, 13), (-23, 13))[:holes]
    return make_part(name or f"plate{holes}", rectangle(60, 40), tuple(circle_contour(x, y, 3.0) for x, y in places))


def disc(radius: float = 15.0) -> Part:
    return make_part("disc", circle_contour(0, 0, radius))


def bar(length: float = 90.0, width: float = 8.0) -> Part:
    return make_part("bar", rectangle(length, width))
