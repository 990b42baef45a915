"""The plane that all parts of a picture share: how a tilted camera sees it, and the scale it has there.

A camera that looks at the plane at an angle sees parts foreshortened along the tilt, and larger where the plane is nearer.
With square pixels and the optical axis in the picture's middle this is a homography G of three parameters: the slope of
the plane towards u and v (tangents of the tilt) and the focal length. G is the identity to first order at the middle, so a
rectified picture has the middle's scale everywhere, and parts differ in scale only by the height of their top faces.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.medians import weighted_median
from kontur.modeling.small_matrices import add_equation, determinant, solve_damped

Floats = NDArray[np.float64]

NOMINAL_FOCAL = 1.1
"""Focal length over the picture's longer side where nothing is known: lenses of 25 to 50 mm have 0.7 to 1.4."""
_OUTLIER = 0.06
"""Log scale: fits that deviate more than this from the common plane do not take part."""
_DEVIATION = 0.015
"""Log scale: standard deviation of one part's fit from the plane (height of its top face, walls taken for edges)."""
_SLOPE_PRIOR = 0.12
"""Standard deviation of a slope before anything is seen."""
_FEWEST_ALIKE, _FEWEST = 2, 3
"""Parts that tell a scale, and a tilt."""
_AGREEING = 1.5
"""Parts, the doubtful ones in part, that must agree on a scale for it to be the common one."""
_STEPS = 10
_ROOMY_STEPS = 2
_ROOM = 2.0, 6.0
"""Steps begin with outliers that deviate so many times as much: for planes that are about level, and for tilted ones."""
_NO_TILT = 1e6
_TINY = 1e-9
_fast = {"cache": True, "nogil": True, "error_model": "numpy"}


@dataclass(frozen=True)
class Plane:
    """The shared plane.

    Attributes:
        slope_uv: tangents of the tilt; parts look larger in that direction.
        focal_px: focal length.
        middle_uv: where the optical axis meets the picture, px.
        log_scale: log of px per mm in the rectified picture; None when it is not known.
    """

    slope_uv: tuple[float, float]
    focal_px: float
    middle_uv: tuple[float, float]
    log_scale: float | None

    @property
    def homography(self) -> Floats:
        """(3, 3) from the rectified picture to the picture, px."""
        return np.asarray(self.both_ways[0], np.float64)

    @cached_property
    def both_ways(self) -> Floats:
        """(2, 3, 3) the homography and its inverse."""
        ways = np.empty((2, 3, 3))
        _see(self.slope_uv, self.focal_px, self.middle_uv, ways)
        return ways

    def log_scale_at(self, uv: Floats) -> Floats:
        """Return (N,) log of the local scale (root of the area's ratio) from the rectified picture to (N, 2) px."""
        scale = np.empty(len(uv))
        _scale_at(self.both_ways[1], uv, scale)
        return scale

    def scale_at(self, uv: Floats) -> Floats:
        """Return (N,) px per mm at (N, 2) px of a plane whose scale is known."""
        if self.log_scale is None:
            raise ValueError("the plane's scale is not known")
        return np.asarray(np.exp(self.log_scale + self.log_scale_at(uv)), np.float64)


@lru_cache(maxsize=64)
def level_plane(size_wh: tuple[int, int]) -> Plane:
    """Return the plane of a camera that looks straight down, its scale unknown."""
    middle = (size_wh[0] - 1) / 2, (size_wh[1] - 1) / 2
    return Plane((0.0, 0.0), NOMINAL_FOCAL * max(size_wh), middle, None)


def fit_plane(size_wh: tuple[int, int], uv: Floats, log_scale: Floats, weight: Floats) -> Plane:
    """Fit slopes and scale to the scales at which parts appear.

    Robust: starts from the weighted median scale of a level plane and reweights by Tukey's biweight. With fewer than
    3 parts the plane stays level; one part alone says nothing, its scale is not called common.

    Args:
        size_wh: picture size, px.
        uv: (N, 2) where the parts are, px.
        log_scale: (N,) log of px per mm there.
        weight: (N,) how much each counts.
    """
    plane = level_plane(size_wh)
    u, v, scale = _fit(uv, log_scale, weight, plane.middle_uv, plane.focal_px)
    return plane if np.isnan(scale) else replace(plane, slope_uv=(u, v), log_scale=scale)


@numba.njit(**_fast)
def _fit(uv, log_scale, weight, middle_uv, focal_px):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return slopes and log scale; NaN for a scale that no two parts agree on. Arguments as of `fit_plane`."""
    count, most, total = 0, 0.0, 0.0
    for w in weight:
        count += w > 0
        most, total = max(most, w), total + w
    if count < _FEWEST_ALIKE:
        return 0.0, 0.0, np.nan
    at, relative, trusted = np.empty((len(uv), 2)), np.empty(len(uv)), np.empty(len(uv))
    for n in range(len(uv)):
        relative[n] = weight[n] / most
        for k in range(2):
            at[n, k] = 1.5 * (uv[n, k] - middle_uv[k]) / focal_px
    tilt_prior = (_DEVIATION / _SLOPE_PRIOR) ** 2 if count >= _FEWEST else _NO_TILT
    solution, ways, local = np.zeros(3), np.empty((2, 3, 3)), np.empty(len(uv))
    solution[2] = weighted_median(log_scale, weight)
    _fit_best(at, log_scale, relative, tilt_prior, solution, trusted)
    _see((solution[0], solution[1]), focal_px, middle_uv, ways)
    _scale_at(ways[1], uv, local)
    agreeing, scale = 0.0, 0.0
    for n in range(len(uv)):
        agreeing += trusted[n]
        scale += trusted[n] * (log_scale[n] - local[n])
    if agreeing < _AGREEING * total / most / len(uv):
        return 0.0, 0.0, np.nan
    return solution[0], solution[1], scale / agreeing


@numba.njit(**_fast)
def _fit_best(at, log_scale, relative, tilt_prior, solution, trusted):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fit as `_fit_robustly` does, with little and with much room, and keep what leaves less unexplained."""
    other, theirs = solution.copy(), np.empty_like(trusted)
    cost = _fit_robustly(at, log_scale, relative, tilt_prior, _ROOM[0], solution, trusted)
    if _fit_robustly(at, log_scale, relative, tilt_prior, _ROOM[1], other, theirs) < cost:
        solution[:], trusted[:] = other, theirs


@numba.njit(**_fast)
def _fit_robustly(at, log_scale, relative, tilt_prior, room, solution, trusted):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fit log scale = slope . at + level by reweighted least squares (Tukey's biweight), outliers first given more room.

    Returns what is left unexplained: the sum of Tukey's loss, and what the slopes cost.

    Args:
        at: (N, 2), log_scale (N,), relative (N,): places, what is seen there, and how much it counts.
        tilt_prior: information that holds the slopes at 0.
        room: by how much farther outliers may be at first.
        solution: (3,) slopes and level: the start, written.
        trusted: (N,) what each counts for in the end, written.
    """
    prior = np.array([tilt_prior, tilt_prior, _TINY])
    normal, right, row = np.empty((3, 3)), np.empty(3), np.ones(3)
    for step in range(_STEPS + 1):
        limit = _OUTLIER * (room if step < _ROOMY_STEPS else 1.0)
        normal[:], right[:], total, cost = 0, 0, 0.0, tilt_prior * (solution[0] ** 2 + solution[1] ** 2)
        for n in range(len(at)):
            row[0], row[1] = at[n, 0], at[n, 1]
            wrong = log_scale[n] - row[0] * solution[0] - row[1] * solution[1] - solution[2]
            inside = max(0.0, 1 - (wrong / limit) ** 2)
            trusted[n] = relative[n] * inside * inside
            total += trusted[n]
            cost += relative[n] * (1 - inside**3) * limit**2 / 3
            add_equation(row, trusted[n], log_scale[n], normal, right)
        if step == _STEPS or total <= 0:
            break
        solve_damped(normal, right, prior, solution)
    return cost


@numba.njit(**_fast)
def _see(slope_uv, focal_px, middle_uv, ways):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the homography from the rectified picture to the picture, and its inverse.

    Its middle rows and columns are those of the smallest rotation that takes the z axis to the plane's normal.
    """
    length = np.sqrt(1 + slope_uv[0] ** 2 + slope_uv[1] ** 2)
    x, y, z = slope_uv[0] / length, slope_uv[1] / length, 1 / length
    a, b, d = 1 - x * x / (1 + z), -x * y / (1 + z), 1 - y * y / (1 + z)
    p, q, area = -x / focal_px, -y / focal_px, a * d - b * b
    _about((a, b, b, d), (p, q), middle_uv, ways[0])
    _about(
        (d / area, -b / area, -b / area, a / area), ((b * q - d * p) / area, (b * p - a * q) / area), middle_uv, ways[1]
    )


@numba.njit(**_fast)
def _about(linear, vanishing, middle_uv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the homography that has these rows at the middle of the picture, which stays where it is."""
    (a, b, c, d), (p, q), (u, v) = linear, vanishing, middle_uv
    weight = 1 - p * u - q * v
    out[0, 0], out[0, 1], out[0, 2] = a + u * p, b + u * q, u * weight - a * u - b * v
    out[1, 0], out[1, 1], out[1, 2] = c + v * p, d + v * q, v * weight - c * u - d * v
    out[2, 0], out[2, 1], out[2, 2] = p, q, weight


@numba.njit(**_fast)
def _scale_at(back, uv, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the log of the local scale at places (N, 2) px, by the homography back to the rectified picture."""
    area = determinant(back)
    for n in range(len(uv)):
        weight = uv[n, 0] * back[2, 0] + uv[n, 1] * back[2, 1] + back[2, 2]
        out[n] = -0.5 * np.log(abs(area / weight**3))
