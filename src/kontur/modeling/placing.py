"""Compiled kernels that place many contours in a picture at once: points, normals, lengths, and how motions move them."""

import numba
import numpy as np

from kontur.modeling.small_matrices import determinant

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def place_points(matrix, plane, model, size_wh, border_px, points, normals, length, rows, centre):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place contours; one pass over all points of all instances.

    Args:
        matrix: (N, 3, 3) part's frame to px.
        plane: (2, 3, 3) rectified picture to px, and its inverse.
        model: points (N, M, 2), normals (N, M, 2) and lengths (N, M) in the part's frame, mm.
        size_wh: (2,) of the picture, px.
        border_px: points nearer to the border get the length 0.
        points: (N, M, 2) px, written.
        normals: (N, M, 2) unit, away from the material, written.
        length: (N, M) px of contour, written.
        rows: (N, M, 4) px along the normal per unit of (du, dv, dtheta, dlog scale) in the rectified picture, written.
        centre: (N, 2) data in the rectified picture, written.
    """
    points_mm, normals_mm, length_mm = model
    shared, back = plane[0], plane[1]
    for n in range(len(matrix)):
        h = matrix[n]
        _project(back, h[0, 2] / h[2, 2], h[1, 2] / h[2, 2], centre[n])
        for m in range(points.shape[1]):
            (u, v), (nu, nv), area = place_point(h, points_mm[n, m], normals_mm[n, m])
            points[n, m, 0], points[n, m, 1] = u, v
            normals[n, m, 0], normals[n, m, 1] = nu, nv
            inside = min(u, v) >= border_px and u <= size_wh[0] - 1 - border_px and v <= size_wh[1] - 1 - border_px
            length[n, m] = length_mm[n, m] * np.sqrt(area) if inside else 0.0
            _motion_row(shared, back, u, v, nu, nv, centre[n], rows[n, m])


@numba.njit(inline="always", **_fast)
def place_point(h, point, normal):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return where a homography puts a point, the unit normal there, and by how much areas grow."""
    x, y = point[0], point[1]
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    u, v = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w
    a, b = (h[0, 0] - u * h[2, 0]) / w, (h[0, 1] - u * h[2, 1]) / w
    c, d = (h[1, 0] - v * h[2, 0]) / w, (h[1, 1] - v * h[2, 1]) / w
    area = a * d - b * c
    nu, nv = d * normal[0] - c * normal[1], a * normal[1] - b * normal[0]
    size = np.sqrt(nu * nu + nv * nv) * np.sign(area)
    return (u, v), (nu / size, nv / size), abs(area)


@numba.njit(inline="always", **_fast)
def _project(h, x, y, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Map a point."""
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    out[0], out[1] = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w


@numba.njit(inline="always", **_fast)
def _motion_row(shared, back, u, v, nu, nv, centre, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write how far a motion in the rectified picture moves a point at (u, v) along its normal."""
    w = back[2, 0] * u + back[2, 1] * v + back[2, 2]
    x = (back[0, 0] * u + back[0, 1] * v + back[0, 2]) / w
    y = (back[1, 0] * u + back[1, 1] * v + back[1, 2]) / w
    w = shared[2, 0] * x + shared[2, 1] * y + shared[2, 2]
    nx = ((shared[0, 0] - u * shared[2, 0]) * nu + (shared[1, 0] - v * shared[2, 0]) * nv) / w
    ny = ((shared[0, 1] - u * shared[2, 1]) * nu + (shared[1, 1] - v * shared[2, 1]) * nv) / w
    dx, dy = x - centre[0], y - centre[1]
    out[0], out[1] = nx, ny
    out[2], out[3] = nx * dy - ny * dx, nx * dx + ny * dy


@numba.njit(**_fast)
def log_scale_at_datum(back, matrix):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the log of px per mm that a part has in the rectified picture, at its datum.

    A homography H stretches areas at a point by det H over the cube of the point's homogeneous weight.

    Args:
        back: (3, 3) from the picture to the rectified one.
        matrix: (3, 3) part's frame to px.
    """
    weight = back[2, 0] * matrix[0, 2] + back[2, 1] * matrix[1, 2] + back[2, 2] * matrix[2, 2]
    return 0.5 * np.log(abs(determinant(back) * determinant(matrix) / weight**3))
