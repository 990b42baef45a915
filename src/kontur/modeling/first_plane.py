"""How a picture is tilted and how large things are in it, before anything is registered: what parts agree on best.

Each of the surest parts was laid on the picture's edges at many scales. On a tilted plane the nearer ones are larger, so
tilts are tried: each says how much larger, and the scale in the middle is the one at which, taken all together, the parts
agree best with the edges.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.plane import Plane, level_plane

Floats = NDArray[np.float64]

_SLOPES = tuple(
    (u, v) for u in np.linspace(-0.24, 0.24, 7) for v in np.linspace(-0.24, 0.24, 7) if np.hypot(u, v) < 0.3
)
"""Tangents of the tilt that are tried."""
_LEVEL = 0.8
"""Parts must agree better, all together, by this much times a slope's square; 1 is the agreement of a perfect contour."""


def agreed_plane(size_wh: tuple[int, int], uv: Floats, share: Floats, scales: Floats, agreement: Floats) -> Plane:
    """Return the plane that parts agree on.

    Args:
        size_wh: of the picture, px.
        uv: (V, 2) px, where the parts lie.
        share: (V,) what each counts for.
        scales: (S,) px per mm, in even ratios.
        agreement: (V, S) with the picture's edges at each.
    """
    planes = _tilted(size_wh)
    step = np.log(scales[-1] / scales[0]) / max(1, len(scales) - 1)
    larger = np.stack([plane.log_scale_at(uv) for plane in planes]) / max(step, 1e-9)
    at = np.clip(np.arange(len(scales)) + larger[:, :, None], 0, len(scales) - 1)
    low = np.minimum(at.astype(np.int64), max(0, len(scales) - 2))
    high, voter = np.minimum(low + 1, len(scales) - 1), np.arange(len(uv))[:, None]
    total = np.einsum(
        "v,gvs->gs", share, agreement[voter, low] + (at - low) * (agreement[voter, high] - agreement[voter, low])
    )
    steepness = np.array([np.hypot(*plane.slope_uv) for plane in planes])
    total -= _LEVEL * steepness[:, None] ** 2
    which, scale = np.unravel_index(int(total.argmax()), total.shape)
    return replace(planes[which], log_scale=float(np.log(scales[scale])))


@lru_cache(maxsize=8)
def _tilted(size_wh: tuple[int, int]) -> tuple[Plane, ...]:
    """Return the planes that are tried, their scales not known."""
    level = level_plane(size_wh)
    return tuple(replace(level, slope_uv=slope) for slope in _SLOPES)
