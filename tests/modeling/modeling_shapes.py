"""Parts with known geometry for the tests of modeling."""

import numpy as np
import shapely

from kontur.geometry import Contour, Part, PixelPose, circle_contour, make_part


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


def coverage(part: Part, pose: PixelPose, size_wh: tuple[int, int]) -> np.ndarray:
    """Return the exact share (H, W) of each pixel's square that the part covers, by shapely."""
    return polygon_coverage([pose.apply(contour.points) for contour in part.contours], size_wh)


def polygon_coverage(rings: list[np.ndarray], size_wh: tuple[int, int]) -> np.ndarray:
    """Return the exact share (H, W) of each pixel's square that rings (N, 2) px cover, the first less the others."""
    polygon = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(polygon)
    u, v = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    squares = shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5)
    share = shapely.contains_properly(polygon, squares).astype(float)
    edge = shapely.intersects(polygon, squares) & (share == 0)
    share[edge] = shapely.area(shapely.intersection(polygon, squares[edge]))
    return share


def coverage_picture(
    part: Part,
    pose: PixelPose,
    size_wh: tuple[int, int],
    levels: tuple[float, float] = (60, 190),
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Return an ideal picture (H, W, 3) uint8: grey levels of table and part mixed by coverage, with noise if wanted."""
    grey = levels[0] + (levels[1] - levels[0]) * coverage(part, pose, size_wh)
    if rng is not None:
        grey = grey + noise * rng.standard_normal(grey.shape)
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
