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

from kontur.modeling.small_matrices import add_equation, solve_damped

Floats = NDArray[np.float64]

NOMINAL_FOCAL = 1.1
"""Focal length over the picture's longer side where nothing is known: lenses of 25 to 50 mm have 0.7 to 1.4."""
_OUTLIER = 0.06
"""Log scale: fits that deviate more than this from the common plane do not take part."""
_DEVIATION = 0.015
"""Log scale: standard deviation of one part's fit from the plane (height of its top face, walls taken for edges)."""
_SLOPE_PRIOR = 0.08
"""Standard deviation of a slope before anything is seen."""
_FEWEST = 3
_AGREEING = 1.5
"""Parts, the doubtful ones in part, that must agree on a scale for it to be the common one."""
_STEPS = 10
_ROOMY_STEPS = 2
_NO_TILT = 1e6
_TINY = 1e-9


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

    @cached_property
    def homography(self) -> Floats:
        """(3, 3) from the rectified picture to the picture, px."""
        (a, b), (u, v), f = self.slope_uv, self.middle_uv, self.focal_px
        length = float(np.sqrt(1 + a * a + b * b))
        turn = _turn_to(np.array([a, b, 1.0]) / length)
        flat = np.array([[turn[0, 0], turn[0, 1], 0], [turn[1, 0], turn[1, 1], 0], [turn[2, 0] / f, turn[2, 1] / f, 1]])
        shift, back = np.array([[1, 0, u], [0, 1, v], [0, 0, 1]]), np.array([[1, 0, -u], [0, 1, -v], [0, 0, 1]])
        return np.asarray(shift @ flat @ back, np.float64)

    @cached_property
    def both_ways(self) -> Floats:
        """(2, 3, 3) the homography and its inverse."""
        return np.stack([self.homography, np.linalg.inv(self.homography)])

    def log_scale_at(self, uv: Floats) -> Floats:
        """Return (N,) log of the local scale (root of the area's ratio) from the rectified picture to (N, 2) px."""
        back = self.both_ways[1]
        weight = uv @ back[2, :2] + back[2, 2]
        return np.asarray(-0.5 * np.log(np.abs(np.linalg.det(back) / weight**3)), np.float64)


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
    if np.count_nonzero(weight > 0) < 2:
        return plane
    at = 1.5 * (uv - plane.middle_uv) / plane.focal_px
    tilt_prior = (_DEVIATION / _SLOPE_PRIOR) ** 2 if np.count_nonzero(weight > 0) >= _FEWEST else _NO_TILT
    relative = weight / weight.max()
    solution, trusted = np.array([0.0, 0.0, weighted_median(log_scale, weight)]), np.empty(len(at))
    _fit_robustly(at, log_scale, relative, tilt_prior, solution, trusted)
    if trusted.sum() < _AGREEING * relative.mean():
        return plane
    fitted = replace(plane, slope_uv=(float(solution[0]), float(solution[1])))
    flat = log_scale - fitted.log_scale_at(uv)
    return replace(fitted, log_scale=float((trusted * flat).sum() / trusted.sum()))


@numba.njit(cache=True, nogil=True)
def _fit_robustly(at, log_scale, relative, tilt_prior, solution, trusted):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fit log scale = slope . at + level by reweighted least squares (Tukey's biweight), outliers first given more room.

    Args:
        at: (N, 2), log_scale (N,), relative (N,): places, what is seen there, and how much it counts.
        tilt_prior: information that holds the slopes at 0.
        solution: (3,) slopes and level: the start, written.
        trusted: (N,) what each counts for in the end, written.
    """
    prior = np.array([tilt_prior, tilt_prior, _TINY])
    normal, right, row = np.empty((3, 3)), np.empty(3), np.ones(3)
    for step in range(_STEPS + 1):
        limit = _OUTLIER * (2.0 if step < _ROOMY_STEPS else 1.0)
        normal[:], right[:], total = 0, 0, 0.0
        for n in range(len(at)):
            row[0], row[1] = at[n, 0], at[n, 1]
            wrong = log_scale[n] - row[0] * solution[0] - row[1] * solution[1] - solution[2]
            inside = max(0.0, 1 - (wrong / limit) ** 2)
            trusted[n] = relative[n] * inside * inside
            total += trusted[n]
            add_equation(row, trusted[n], log_scale[n], normal, right)
        if step == _STEPS or total <= 0:
            break
        solve_damped(normal, right, prior, solution)


def weighted_median(values: Floats, weight: Floats) -> float:
    """Return the value below and above which half of the weight lies."""
    order = np.argsort(values)
    cumulated = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(cumulated, cumulated[-1] / 2)])


def _turn_to(normal: Floats) -> Floats:
    """Return the smallest rotation that takes the z axis to `normal`."""
    x, y, z = normal
    return np.array([
        [1 - x * x / (1 + z), -x * y / (1 + z), x],
        [-x * y / (1 + z), 1 - y * y / (1 + z), y],
        [-x, -y, z],
    ])  # fmt: skip
