"""Compiled kernels that weigh what a picture says for many contours, point after point, see `evidence`."""

import numba
import numpy as np

from kontur.modeling.placing import place_point
from kontur.modeling.profiles import rarities
from kontur.modeling.row_filters import mirrored

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}
_LEAST_WEIGHT = 1e-3
"""Cells around which less than this is found have no mean."""


@numba.njit(**_fast)
def weigh_contours(rows, picture, model, matrix, crossed, background, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place contours and weigh the edges at their points against those of the background.

    Args:
        rows: the first of the contours, and the one after the last.
        picture: pixels (h, w, C) float32, smoothed; change that noise makes; how far from the border points are seen, px.
        model: points (N, M, 2) and normals (N, M, 2) in the part's frame, lengths (N, M), mm; 0 at the end where padded.
        matrix: (N, 3, 3) part's frame to px.
        crossed: see `profiles.rarities`.
        background: typical strength by cell, side of a cell, sorted relative strengths (B,), and (B + 1,) the evidence
            of an edge that exceeds so many of them.
        out: points px, normals, lengths seen, evidence, lengths of the whole contours (N,), strengths; written.
    """
    pixels, floor, _ = picture
    typical, cell_px, relative, by_rank = background
    points, normals, _, evidence, _, strength = out
    for n in range(rows[0], rows[1]):
        used = _place(n, matrix[n], model, picture, out)
        rarities(pixels, (points[n, :used], normals[n, :used]), crossed, floor, strength[n, :used])
        for m in range(used):
            usual = _between_cells(typical, cell_px, points[n, m, 0], points[n, m, 1])
            evidence[n, m] = by_rank[_rank(relative, strength[n, m] / usual)]
        strength[n, used:], evidence[n, used:] = 0.0, by_rank[0]


@numba.njit(inline="always", **_fast)
def _place(n, h, model, picture, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Place one contour; returns how many of its points are not padded."""
    (pixels, _, margin), (points_mm, normals_mm, length_mm) = picture, model
    points, normals, seen, _, whole, _ = out
    right, bottom = pixels.shape[1] - 1 - margin, pixels.shape[0] - 1 - margin
    used, total = 0, 0.0
    for m in range(points_mm.shape[1]):
        (u, v), (nu, nv), area = place_point(h, points_mm[n, m], normals_mm[n, m])
        points[n, m, 0], points[n, m, 1] = u, v
        normals[n, m, 0], normals[n, m, 1] = nu, nv
        length = length_mm[n, m] * np.sqrt(area)
        seen[n, m] = length if min(u, v) >= margin and u <= right and v <= bottom else 0.0
        total += length
        if length_mm[n, m] > 0:
            used = m + 1
    whole[n] = total
    return used


@numba.njit(inline="always", **_fast)
def _rank(values, value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how many of sorted values are less than one."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(inline="always", **_fast)
def _between_cells(values, cell_px, u, v):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the value at a place of the picture, of cells (rows, columns), between their centres by interpolation."""
    x, y = (u + 0.5) / cell_px - 0.5, (v + 0.5) / cell_px - 0.5
    x, y = x if x > 0 else 0.0, y if y > 0 else 0.0
    right, bottom = values.shape[1] - 1, values.shape[0] - 1
    x, y = x if x < right else np.float64(right), y if y < bottom else np.float64(bottom)
    i, k = int(y), int(x)
    below, beside = min(i + 1, bottom), min(k + 1, right)
    b, a = y - i, x - k
    above = values[i, k] + a * (values[i, beside] - values[i, k])
    under = values[below, k] + a * (values[below, beside] - values[below, k])
    return above + b * (under - above)


@numba.njit(inline="always", **_fast)
def _cell(place, cell_px, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the row or column of the cell that a place of the picture lies in."""
    return min(count - 1, max(0, int((place + 0.5) / cell_px)))


@numba.njit(**_fast)
def _mean_around(sums, weights):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return sums over weights (rows, columns), both over 3 x 3 cells, mirrored at the outermost ones."""
    rows, columns = sums.shape
    out = np.empty((rows, columns))
    for row in range(rows):
        for column in range(columns):
            total, weight = 0.0, 0.0
            for i, k in np.ndindex(3, 3):
                y, x = mirrored(row + i - 1, rows), mirrored(column + k - 1, columns)
                total += sums[y, x]
                weight += weights[y, x]
            out[row, column] = total / max(weight, 9 * _LEAST_WEIGHT)
    return out


@numba.njit(**_fast)
def limit_by_share(found, cells, power, most, evidence):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Limit the evidence of edges by their share of the strong ones that all contours together meet nearby.

    Args:
        found: points (N, M, 2) px, strengths (N, M), and lengths (N, M) that are seen; others are left alone.
        cells: rows and columns of the picture's cells, and side of a cell, px.
        power: strong ones are told by the power mean of the strengths around.
        most: shares in rising order, and the most evidence at each; between them by interpolation.
        evidence: (N, M), written.
    """
    (points, strength, length), (rows, columns, cell_px) = found, cells
    sums, weights = np.zeros((rows, columns)), np.zeros((rows, columns))
    for n in range(len(points)):
        for m in range(points.shape[1]):
            if length[n, m] > 0:
                row, column = _cell(points[n, m, 1], cell_px, rows), _cell(points[n, m, 0], cell_px, columns)
                sums[row, column] += length[n, m] * strength[n, m] ** power
                weights[row, column] += length[n, m]
    mean = _mean_around(sums, weights)
    for row in range(rows):
        for column in range(columns):
            mean[row, column] = max(mean[row, column] ** (1 / power), _LEAST_WEIGHT)
    shares, limits = most
    for n in range(len(points)):
        for m in range(points.shape[1]):
            if length[n, m] > 0:
                strong = _between_cells(mean, cell_px, points[n, m, 0], points[n, m, 1])
                limit = _interpolated(strength[n, m] / strong, shares, limits)
                evidence[n, m] = min(evidence[n, m], limit)


@numba.njit(inline="always", **_fast)
def _interpolated(place, places, values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the value at a place between others, of the outermost one beyond them."""
    if place <= places[0]:
        return values[0]
    for k in range(1, len(places)):
        if place < places[k]:
            return values[k - 1] + (values[k] - values[k - 1]) * (place - places[k - 1]) / (places[k] - places[k - 1])
    return values[-1]


@numba.njit(**_fast)
def compare_places(points, strength, cell_px, noise, typical, relative):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Find the typical strength of edges around each cell of a picture, and how places compare with it.

    Args:
        points: (P, 2) px.
        strength: (P,) of the edges there.
        cell_px: side of a cell.
        noise: added to what is typical.
        typical: (rows, columns), written: square of the mean root of the strengths in 3 x 3 cells.
        relative: (P,), written: strength over the typical one of the place.
    """
    rows, columns = typical.shape
    roots, counts = np.zeros((rows, columns)), np.zeros((rows, columns))
    for m in range(len(points)):
        row, column = _cell(points[m, 1], cell_px, rows), _cell(points[m, 0], cell_px, columns)
        roots[row, column] += np.sqrt(strength[m])
        counts[row, column] += 1
    mean = _mean_around(roots, counts)
    for row in range(rows):
        for column in range(columns):
            typical[row, column] = mean[row, column] ** 2 + noise
    for m in range(len(points)):
        relative[m] = strength[m] / _between_cells(typical, cell_px, points[m, 0], points[m, 1])
