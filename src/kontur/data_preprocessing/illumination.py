"""What lamps, sky and neighbours send to the table and to the things on it, in numbers for the kernels.

Directions are in the plane's frame (x right, y up, z towards the camera). A half vector's slope is its (x, y) over its z: a
facet of that slope mirrors the lamp into the camera. In these kernels a lamp is a row of `lamp_rows`, a place x, y, z in mm.
"""

from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.scene import Scene

_LIGHT_CELL_PX = 32
_LONGEST_SHADOW_PX = 60
_SOFTEST_SHADOW_PX = 40.0
_STEP_MM = 5.0
_CONTACT = 0.6
"""Share of the sky's light that a thing takes away where it touches the table."""
_BOUNCE = 0.35
"""Share of the horizon that the table and the neighbours fill, as seen from an edge."""
_ZENITH = (0.0, 0.0, 1e7)
_options = {"nogil": True, "error_model": "numpy"}

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


def lamp_rows(scene: Scene) -> Matrix:
    """(L, 7): position xyz (mm), colour BGR, angular radius of each lamp."""
    return np.array([(*lamp.position_mm, *lamp.colour, lamp.radius_rad) for lamp in scene.lamps]).reshape(-1, 7)


def eye_of(scene: Scene) -> Matrix:
    """(3,) where the camera is, mm."""
    return -scene.camera.rotation.T @ scene.camera.translation_mm


@numba.njit(**_options)
def half_slope(eye, lamp, x, y, z):  # type: ignore[no-untyped-def]  # pragma: no cover
    """At a place: the half vector's slope (x, y), the unit vector to the lamp (x, y, z), and the light's fall-off."""
    to_x, to_y, to_z = lamp[0] - x, lamp[1] - y, lamp[2] - z
    squared = to_x * to_x + to_y * to_y + to_z * to_z
    per = 1 / np.sqrt(squared)
    to_x, to_y, to_z = to_x * per, to_y * per, to_z * per
    eye_x, eye_y, eye_z = eye[0] - x, eye[1] - y, eye[2] - z
    per = 1 / np.sqrt(eye_x * eye_x + eye_y * eye_y + eye_z * eye_z)
    half_z = to_z + eye_z * per
    fall = (lamp[0] ** 2 + lamp[1] ** 2 + lamp[2] ** 2) / squared
    return (to_x + eye_x * per) / half_z, (to_y + eye_y * per) / half_z, to_x, to_y, to_z, fall


@numba.njit(**_options)
def light_thing(out, lamps, eye, x, y, z, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (L, 13) for `tiles.draw_thing`: each lamp as seen from the middle of a top face at a scale in px/mm.

    Irradiance over pi BGR, direction xyz, half-vector slope xy, its change per column xy and per row xy, a quarter of the
    lamp's angular radius.
    """
    for k in range(len(lamps)):
        slope_x, slope_y, to_x, to_y, to_z, fall = half_slope(eye, lamps[k], x, y, z)
        for c in range(3):
            out[k, c] = lamps[k, 3 + c] * fall
        out[k, 3], out[k, 4], out[k, 5], out[k, 6], out[k, 7] = to_x, to_y, to_z, slope_x, slope_y
        for axis in range(2):
            there = _beside(eye, lamps[k], x, y, z, axis)
            out[k, 8 + 2 * axis] = (there[0] - slope_x) / (_STEP_MM * scale)
            out[k, 9 + 2 * axis] = (there[1] - slope_y) / (_STEP_MM * scale)
        out[k, 12] = lamps[k, 6] / 4


@numba.njit(**_options)
def _beside(eye, lamp, x, y, z, axis):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The half vector's slope a step farther right (axis 0) or, in the picture, down (1)."""
    found = half_slope(eye, lamp, x + (_STEP_MM if axis == 0 else 0.0), y - (_STEP_MM if axis == 1 else 0.0), z)
    return found[0], found[1]


@numba.njit(**_options)
def light_sky(out, places, reaches, colours, sky, light, table, eye, scales):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (n, 7, 3), BGR, for `tiles.draw_thing`: what comes from all sides.

    Rows: the sky on a level face; what a mirror sees overhead; what it sees towards the horizon; how that changes for a
    facet that slopes to the right; and for one that slopes upwards. The horizon is sky, table and neighbours, each
    neighbour by the angle that it fills: their reflection, as a tint. The last two rows are no colours: the slope, right and
    up, of a facet that mirrors what is overhead into the camera; first at the thing's middle, then its change for a column
    and for a row. A flat mirror therefore does not show one even tone.

    Args:
        places: (n, 3) middles of the top faces, mm; reaches: (n,) mm; colours: (n, 3) of the things; scales: (n,) px/mm.
        sky: (3, 3), see `Scene.sky`; light, table: (3,) light on the table's middle, and the table's colour.
        eye: (3,) mm.
    """
    for i in range(len(places)):
        for c in range(3):
            out[i, 0, c], out[i, 1, c], out[i, 2, c] = sky[0, c], sky[1, c], sky[2, c]
        shares, seen = 0.0, np.zeros((3, 3))
        for j in range(len(places)):
            x, y = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            distance = max(1.0, np.sqrt(x * x + y * y))
            share = min(0.5, reaches[j] / (2 * distance)) if i != j else 0.0
            shares += share
            for c in range(3):
                tint = share * _BOUNCE * light[c] * (colours[j, c] - table[c])
                seen[0, c] += tint
                seen[1, c] += tint * x / distance
                seen[2, c] += tint * y / distance
        for c in range(3):
            out[i, 2, c] = sky[2, c] + _BOUNCE * light[c] * table[c] + seen[0, c] / max(1.0, shares)
            out[i, 3, c], out[i, 4, c] = seen[1, c], seen[2, c]
        here = half_slope(eye, _ZENITH, places[i, 0], places[i, 1], places[i, 2])
        for row in range(2):
            out[i, 5 + row, 0] = here[row]
            for axis in range(2):
                there = _beside(eye, _ZENITH, places[i, 0], places[i, 1], places[i, 2], axis)
                out[i, 5 + row, 1 + axis] = (there[row] - here[row]) / (_STEP_MM * scales[i])


@numba.njit(**_options)
def upright(lamp):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Share of a lamp's light that falls on a level face."""
    return lamp[2] / np.sqrt(lamp[0] * lamp[0] + lamp[1] * lamp[1] + lamp[2] * lamp[2])


@numba.njit(**_options)
def cast_shifts(shifts, softness, lamps, x, y, z, drop_px):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Shadows of a top edge at a place on what lies `drop_px`, at the picture's scale, below it.

    Args:
        shifts: (L + 1, 2) int64, written: shift (column, row), px. The last row is the sky's contact shadow: no shift.
        softness: (L + 1,), written: width of the penumbra, px; the sky's is half again as wide as the drop.
    """
    for k in range(len(lamps)):
        to_x, to_y, to_z = lamps[k, 0] - x, lamps[k, 1] - y, lamps[k, 2] - z
        per_height = drop_px / max(1e-6, to_z)
        shifts[k, 0] = int(np.rint(min(_LONGEST_SHADOW_PX, max(-_LONGEST_SHADOW_PX, -to_x * per_height))))
        shifts[k, 1] = int(np.rint(min(_LONGEST_SHADOW_PX, max(-_LONGEST_SHADOW_PX, to_y * per_height))))
        length = np.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
        softness[k] = min(_SOFTEST_SHADOW_PX, 2 * lamps[k, 6] * length * per_height)
    shifts[len(lamps)] = 0
    softness[len(lamps)] = min(_SOFTEST_SHADOW_PX, 1.5 * drop_px)


@numba.njit(**_options)
def lamp_shares(lamps, sky, below):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(L + 1, 3) share of each lamp, and of the part of the sky that a thing hides, in the light on the table's middle."""
    out = np.empty((len(lamps) + 1, 3), np.float32)
    for c in range(3):
        total = below + sky[0, c]
        for k in range(len(lamps)):
            total += lamps[k, 3 + c] * upright(lamps[k])
        for k in range(len(lamps)):
            out[k, c] = lamps[k, 3 + c] * upright(lamps[k]) / total
        out[len(lamps), c] = _CONTACT * sky[0, c] / total
    return out


def table_field(scene: Scene) -> Floats:
    """(rows, columns, 3) float32, what a table of albedo 1 sends back: lamps, sky, light from below, glare.

    A coarse grid, corner to corner over the picture.
    """
    table, (rows, columns, pixels) = scene.table, _grid(*scene.camera.size_wh)
    spots = scene.camera.unproject(pixels)
    middle = np.maximum(0.05, (np.array(table.dark) + table.bright) / 2)
    bare = np.array(scene.sky[0]) + scene.below
    field = _field(spots, eye_of(scene), lamp_rows(scene), bare, 0.04 * table.gloss / middle, table.slope)
    return field.reshape(rows, columns, 3)


@lru_cache(maxsize=16)
def _grid(width: int, height: int) -> tuple[int, int, Matrix]:
    """Rows and columns of a coarse grid over a picture, and its (N, 2) px."""
    columns, rows = width // _LIGHT_CELL_PX + 2, height // _LIGHT_CELL_PX + 2
    v, u = np.mgrid[0:rows, 0:columns]
    return rows, columns, np.column_stack([u.ravel() * width / (columns - 1), v.ravel() * height / (rows - 1)])


@numba.njit(cache=True, **_options)
def _field(spots, eye, lamps, bare, gloss, slope):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(N, 3) float32 light that places (N, 2) mm of the table send back; `gloss` and `slope` make its glare."""
    out = np.empty((len(spots), 3), np.float32)
    for n in range(len(spots)):
        light = bare.copy()
        for k in range(len(lamps)):
            x, y, _, _, level, fall = half_slope(eye, lamps[k], spots[n, 0], spots[n, 1], 0.0)
            spread = slope + lamps[k, 6] / 4
            glare = 1 / (4 * spread**2 * (1 + (x * x + y * y) / spread**2) ** 2)
            for c in range(3):
                light[c] += fall * lamps[k, 3 + c] * (level + glare * gloss[c])
        for c in range(3):
            out[n, c] = light[c]
    return out
