"""Small parts, configurations and oracles that the generator's tests share."""

from dataclasses import replace

import numpy as np
import shapely

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.layout import Placement
from kontur.data_preprocessing.render import RenderContext, make_context
from kontur.data_preprocessing.scene import Scene, Table
from kontur.data_preprocessing.sensor import Look
from kontur.data_preprocessing.shapes import Shape, part_shape
from kontur.data_preprocessing.surfaces import Surface
from kontur.geometry import Contour, Part, Pose, circle_contour, make_part
from kontur.geometry.camera import Camera, nominal_camera

SIZE_WH = (220, 160)

PLAIN = Surface(
    diffuse=(0.5, 0.5, 0.5), specular=(0.04, 0.04, 0.04), along=0.4, across=0.4, brushing=0.0, brush_rad=0.0,
    centre_mm=(0.0, 0.0), streaks=0.0, grain=0.0, spangle=0.0, scratches=0.0, stains=0.0, rust=0.0, heat=0.0,
    burr=0.0, oil=0.0, offset=(0.0, 0.0),
)  # fmt: skip
TABLE = Table("plain", 0, 0.0, 1.0, (0.0, 0.0), (0.2, 0.2, 0.2), (0.2, 0.2, 0.2), 0.0, 0.3)
SHARP = Look(
    blur_px=0.0, motion_px=(0.0, 0.0), chromatic_px=0.0, vignetting=0.0, exposure=0.3, highlights=1e9,
    balance=(1.0, 1.0, 1.0),
    well_e=1e9, read_e=0.0, gamma=2.2, shoulder=0.0, bayer=False, grey=False, jpeg_quality=95, noise_seed=0,
)  # fmt: skip


def bracket(name: str = "bracket", mirrored: bool = False) -> Part:
    """An L with two holes of different sizes; chiral."""
    points = np.array([[0, 0], [40, 0], [40, 12], [12, 12], [12, 30], [0, 30]], float)
    sign = -1 if mirrored else 1
    holes = (circle_contour(sign * 33.0, 6.0, 3.0), circle_contour(sign * 6.0, 24.0, 2.0))
    return make_part(name, Contour(points * (sign, 1)), holes)


def plate(holes: int = 4) -> Part:
    """A plate with up to four holes near its corners."""
    outline = Contour(np.array([[0, 0], [50, 0], [50, 34], [0, 34]], float))
    spots = ((7, 7), (43, 7), (43, 27), (7, 27))[:holes]
    return make_part(f"plate{holes}", outline, tuple(circle_contour(x, y, 3.0) for x, y in spots))


def washer() -> Part:
    """A ring."""
    return make_part("washer", circle_contour(0, 0, 14), (circle_contour(0, 0, 7),))


def star(teeth: int = 9) -> Part:
    """A toothed disc."""
    angle = np.linspace(0, 2 * np.pi, 4 * teeth, endpoint=False)
    radius = np.where((np.arange(4 * teeth) // 2) % 2, 18.0, 14.0)
    return make_part("star", Contour(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])))


PARTS = (bracket(), plate(), washer(), star())


def small_config(**sections: object) -> DataConfig:
    """A configuration for small pictures of few parts; sections lay over it."""
    values: dict[str, object] = {
        "camera": {"size_wh": SIZE_WH, "mm_per_px": (0.7, 0.9)},
        "scene": {"parts": (1, 4)},
    }
    for key, value in sections.items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value  # type: ignore[dict-item]
    return DataConfig.model_validate(values)


_CONTEXT: list[RenderContext] = []


def context() -> RenderContext:
    """A render context of PARTS, made once."""
    if not _CONTEXT:
        _CONTEXT.append(make_context(small_config(), PARTS))
    return _CONTEXT[0]


def place(
    part: Part, pose: Pose, base_mm: float = 0.0, thickness_mm: float = 0.001, index: int | None = 0
) -> Placement:
    """Put a part of plain surface on the table."""
    return Placement(part_shape(part, 0.25), index, pose, base_mm, thickness_mm, 0.0, PLAIN)


def scene_of(*things: Placement, camera: Camera | None = None) -> Scene:
    """A scene under an even sky."""
    sky = ((1.0, 1.0, 1.0),) * 3
    return Scene(camera or nominal_camera(SIZE_WH, 1.4), tuple(things), (), sky, TABLE, 0.0)


def disc_mm(width: int, height: int, radius_mm: float, px_per_mm: float) -> np.ndarray:
    """(height, width) signed distance (mm) to a disc in the middle, positive inside."""
    v, u = np.mgrid[0:height, 0:width]
    away = np.hypot(u - (width - 1) / 2, v - (height - 1) / 2)
    return (radius_mm - away / px_per_mm).astype(np.float32)


def pixels_inside(area: shapely.Geometry, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """(H, W) bool: pixel centres inside an area; the oracle for id maps."""
    v, u = np.mgrid[0 : size_wh[1], 0 : size_wh[0]]
    return shapely.contains_xy(area, u, v)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boolean masks."""
    return float((a & b).sum() / max(1, (a | b).sum()))


def with_shape(thing: Placement, shape: Shape) -> Placement:
    """The same placement with another template."""
    return replace(thing, shape=shape)
