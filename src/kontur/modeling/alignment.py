"""The algebra of moving many contours at once: projecting and differentiating, one batch per picture.

Every detection is a homography from its part's frame to the picture, written as G @ S: a similarity S from the part's frame
to a rectified picture, and one homography G for the whole picture (see `plane`), which is the identity for a camera that
looks straight down. A motion is (du, dv, dtheta, dlog scale) in the rectified picture, about the part's datum.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def apply_homography(matrix: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Map points and differentiate the map.

    Args:
        matrix: (N, 3, 3), or (3, 3) for all.
        points: (N, M, 2).

    Returns:
        mapped points (N, M, 2) and derivatives (N, M, 2, 2): [..., i, j] is d mapped i / d point j.
    """
    matrix = np.broadcast_to(matrix, (len(points), 3, 3))
    linear = points @ matrix[:, :, :2].transpose(0, 2, 1) + matrix[:, None, :, 2]
    weight = linear[..., 2:]
    mapped = linear[..., :2] / weight
    derivative = (matrix[:, None, :2, :2] - mapped[..., None] * matrix[:, None, 2:, :2]) / weight[..., None]
    return mapped, derivative


def project_normals(derivative: Floats, normals: Floats) -> Floats:
    """Return the unit normals (N, M, 2) of mapped lines: covectors go with the inverse transpose of the derivative."""
    a, b = derivative[..., 0, 0], derivative[..., 0, 1]
    c, d = derivative[..., 1, 0], derivative[..., 1, 1]
    x, y = normals[..., 0], normals[..., 1]
    mapped = np.stack([d * x - c * y, a * y - b * x], axis=-1) * np.sign(a * d - b * c)[..., None]
    return np.asarray(mapped / np.hypot(mapped[..., 0], mapped[..., 1])[..., None], np.float64)


def motion_matrices(motion: Floats, centre: Floats) -> Floats:
    """Return (N, 3, 3) similarities of the rectified picture for motions (N, 4) about centres (N, 2)."""
    c, s = np.cos(motion[:, 2]) * np.exp(motion[:, 3]), np.sin(motion[:, 2]) * np.exp(motion[:, 3])
    matrix = np.zeros((len(motion), 3, 3))
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1] = c, s, -s, c
    matrix[:, :2, 2] = centre + motion[:, :2] - np.einsum("nij,nj->ni", matrix[:, :2, :2], centre)
    matrix[:, 2, 2] = 1
    return matrix
