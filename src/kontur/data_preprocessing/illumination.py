"""What lamps, sky and neighbours send to the table and to the things on it, in numbers for the kernels.

Directions are in the plane's frame (x right, y up, z towards the camera). A half vector's slope is its (x, y) over its z: a
facet of that slope mirrors the lamp into the camera.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.scene import Lamp, Scene
from kontur.data_preprocessing.views import View
from kontur.geometry.camera import Camera

_LIGHT_CELL_PX = 32
_LONGEST_SHADOW_PX = 60
_SOFTEST_SHADOW_PX = 40.0
_STEP_MM = 5.0
_CONTACT = 0.6
"""Share of the sky's light that a thing takes away where it touches the table."""
_BOUNCE = 0.35
"""Share of the horizon that the table and the neighbours fill, as seen from an edge."""

_ZENITH = Lamp((0.0, 0.0, 1e7), (0.0, 0.0, 0.0), 0.0)

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


def lamp_rows(scene: Scene, views: Sequence[View]) -> Floats:
    """(things, lamps, 13) float32 for `tiles.draw_thing`: each lamp as seen from the middle of each top face.

    Irradiance over pi BGR, direction xyz, half-vector slope xy, its change per column xy and per row xy, a quarter of the
    lamp's angular radius.
    """
    rows = np.empty((len(views), len(scene.lamps), 13), np.float32)
    for k, lamp in enumerate(scene.lamps):
        slope, to_lamp, fall = _slopes(scene.camera, lamp, views)
        rows[:, k, :3] = np.array(lamp.colour) * fall[:, :1]
        rows[:, k, 3:6] = to_lamp[:, 0]
        rows[:, k, 6:12] = slope.reshape(-1, 6)
        rows[:, k, 12] = lamp.radius_rad / 4
    return rows


def _slopes(camera: Camera, lamp: Lamp, views: Sequence[View]) -> tuple[Matrix, Matrix, Matrix]:
    """`half_slopes` at each thing: (things, 3, 2) in the middle of its top face, and its change for a column and a row."""
    middles = _tops(views)
    steps = np.array([[0, 0, 0], [_STEP_MM, 0, 0], [0, -_STEP_MM, 0]])
    slope, to_lamp, fall = half_slopes(camera, lamp, middles[:, None] + steps)
    per_px = 1 / (_STEP_MM * np.array([view.pose_px.scale_px_per_mm for view in views]))
    slope[:, 1:] = (slope[:, 1:] - slope[:, :1]) * per_px[:, None, None]
    return slope, to_lamp, fall


def _tops(views: Sequence[View]) -> Matrix:
    """(things, 3) middles of the top faces, mm."""
    rows = [(view.thing.pose.x_mm, view.thing.pose.y_mm, view.thing.top_mm) for view in views]
    return np.array(rows).reshape(-1, 3)


def half_slopes(camera: Camera, lamp: Lamp, points_mm: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """At (..., 3) points: slope of the half vector (..., 2), unit vector to the lamp (..., 3), fall-off of light (...)."""
    position = np.array(lamp.position_mm)
    to_lamp = position - points_mm
    distance = np.sqrt((to_lamp**2).sum(axis=-1, keepdims=True))
    to_lamp = to_lamp / distance
    to_eye = -camera.rotation.T @ camera.translation_mm - points_mm
    half = to_lamp + to_eye / np.sqrt((to_eye**2).sum(axis=-1, keepdims=True))
    return half[..., :2] / half[..., 2:], to_lamp, (position**2).sum() / distance[..., 0] ** 2


def sky_rows(scene: Scene, views: Sequence[View]) -> Floats:
    """(things, 7, 3) float32, BGR, for `tiles.draw_thing`: what comes from all sides.

    Rows: the sky on a level face; what a mirror sees overhead; what it sees towards the horizon; how that changes for a
    facet that slopes to the right; and for one that slopes upwards. The horizon is sky, table and neighbours, each
    neighbour by the angle that it fills: their reflection, as a tint. The last two rows are no colours: the slope, right and
    up, of a facet that mirrors what is overhead into the camera; first at the thing's middle, then its change for a column
    and for a row. A flat mirror therefore does not show one even tone.
    """
    things = [view.thing for view in views]
    places = _tops(views)[:, :2]
    reach = np.array([thing.shape.reach_mm for thing in things])
    colours = np.array([np.add(t.surface.diffuse, np.multiply(0.3, t.surface.specular)) for t in things]).reshape(-1, 3)
    table = (np.array(scene.table.dark) + scene.table.bright) / 2
    light = np.array(scene.sky[0]) + sum(np.multiply(lamp.colour, _upright(lamp)) for lamp in scene.lamps)
    away = places[None] - places[:, None]
    distance = np.maximum(np.sqrt((away**2).sum(axis=-1)), 1.0)
    share = np.clip(reach / (2 * distance), 0, 0.5) * (1 - np.eye(len(things)))
    tint = _BOUNCE * light * (colours - table)
    rows = np.empty((len(things), 7, 3), np.float32)
    rows[:, :3] = scene.sky
    rows[:, 2] += _BOUNCE * light * table + (share @ tint) / np.maximum(1.0, share.sum(axis=1, keepdims=True))
    rows[:, 3] = (share * away[..., 0] / distance) @ tint
    rows[:, 4] = (share * away[..., 1] / distance) @ tint
    slope = _slopes(scene.camera, _ZENITH, views)[0]
    rows[:, 5:] = slope.transpose(0, 2, 1)
    return rows


def _upright(lamp: Lamp) -> float:
    """Share of a lamp's light that falls on a level face."""
    return float(lamp.position_mm[2] / np.linalg.norm(lamp.position_mm))


def shadow_shifts(scene: Scene, views: Sequence[View], drop_mm: Matrix) -> tuple[NDArray[np.int64], Floats]:
    """Shadows of top edges on what lies `drop_mm` (one number a thing) below them.

    Returns:
        (things, L + 1, 2) int64 shift (column, row) and (things, L + 1) float32 width of the penumbra, px. The last row is
        the sky's contact shadow: no shift, half again as wide as the drop.
    """
    scale = np.array([view.pose_px.scale_px_per_mm for view in views])
    tops = _tops(views)
    shifts = np.zeros((len(views), len(scene.lamps) + 1, 2))
    softness = np.tile(1.5 * (drop_mm * scale)[:, None], len(scene.lamps) + 1)
    for k, lamp in enumerate(scene.lamps):
        to_lamp = np.array(lamp.position_mm) - tops
        per_height = drop_mm * scale / np.maximum(1e-6, to_lamp[:, 2])
        shifts[:, k] = to_lamp[:, :2] * np.column_stack([-per_height, per_height])
        softness[:, k] = 2 * lamp.radius_rad * np.linalg.norm(to_lamp, axis=1) * per_height
    longest = np.rint(np.clip(shifts, -_LONGEST_SHADOW_PX, _LONGEST_SHADOW_PX)).astype(np.int64)
    return longest, np.minimum(softness, _SOFTEST_SHADOW_PX).astype(np.float32)


def lamp_shares(scene: Scene) -> Floats:
    """(L + 1, 3) share of each lamp, and of the part of the sky that a thing hides, in the light on the table's middle."""
    rows = [np.array(lamp.colour) * _upright(lamp) for lamp in scene.lamps]
    rows.append(np.array(scene.sky[0]))
    table = np.array(rows)
    shares = table / (table.sum(axis=0) + scene.below)
    shares[-1] *= _CONTACT
    return shares.astype(np.float32)


def table_field(scene: Scene) -> Floats:
    """(rows, columns, 3) float32, what a table of albedo 1 sends back: lamps, sky, light from below, glare.

    A coarse grid, corner to corner over the picture.
    """
    width, height = scene.camera.size_wh
    columns, rows = width // _LIGHT_CELL_PX + 2, height // _LIGHT_CELL_PX + 2
    v, u = np.mgrid[0:rows, 0:columns]
    pixels = np.column_stack([u.ravel() * width / (columns - 1), v.ravel() * height / (rows - 1)])
    spots = np.column_stack([scene.camera.unproject(pixels), np.zeros(pixels.shape[0])])
    field = np.tile(np.array(scene.sky[0]) + scene.below, (len(spots), 1))
    middle = np.maximum(0.05, (np.array(scene.table.dark) + scene.table.bright) / 2)
    for lamp in scene.lamps:
        slope, to_lamp, fall = half_slopes(scene.camera, lamp, spots)
        spread = scene.table.slope + lamp.radius_rad / 4
        glare = 0.04 * scene.table.gloss / (4 * spread**2 * (1 + (slope**2).sum(axis=1) / spread**2) ** 2)
        field += fall[:, None] * np.array(lamp.colour) * (to_lamp[:, 2:] + glare[:, None] / middle)
    return field.reshape(rows, columns, 3).astype(np.float32)
