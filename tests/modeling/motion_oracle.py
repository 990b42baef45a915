"""How motions move contour points, in whole arrays: what the compiled placing is compared with."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def motion_rows(rectified: Floats, centre: Floats, derivative: Floats | None, normals_px: Floats) -> Floats:
    """Return (N, M, 4): how far a motion moves each point along its normal, px per unit of (du, dv, dtheta, dlog scale).

    Args:
        rectified: (N, M, 2) points in the rectified picture.
        centre: (N, 2) the parts' data there.
        derivative: (N, M, 2, 2) of the rectified-to-picture map; None where that is the identity.
        normals_px: (N, M, 2) unit normals in the picture.
    """
    normals = normals_px if derivative is None else np.einsum("nmij,nmi->nmj", derivative, normals_px)
    arm = rectified - centre[:, None]
    turn = normals[..., 0] * arm[..., 1] - normals[..., 1] * arm[..., 0]  # counter-clockwise as seen, v down
    stretch = np.einsum("nmj,nmj->nm", normals, arm)
    return np.concatenate([normals, turn[..., None], stretch[..., None]], axis=2)
