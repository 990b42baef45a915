"""The last layers of the edge reader, compiled: what each point sees, beside what its part pools."""

import numba
import numpy as np

from kontur.modeling.line_vectors import LANES, LONGEST, WAVES, add_eight, join_waves

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}

LEAST_LOG_SIGMA, MOST_LOG_SIGMA = -4.5, 2.0
CORNER_POOL_WEIGHT = 0.3
"""What points next to corners tell of their part, smooth stretches telling 1."""
_LEAST, _MOST, _ONE = np.float32(LEAST_LOG_SIGMA), np.float32(MOST_LOG_SIGMA), np.float32(1)


@numba.njit(**_fast)
def answer_parts(contours, pooling, hidden, own, layers, answer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the reader's answer at every point with a weight, part after part.

    What a part pools are the means of its points' features times five waves over the normal's direction: 1, the first and
    the second harmonic. Waves of one harmonic share weights, so that a part reads alike however it is turned.

    Args:
        contours: normals (N, M, 2) and weights (N, M).
        pooling: (N, M) how much a point tells of its part.
        hidden: (L, H) float32 features of the L points with a weight, in their order; H is a multiple of LANES.
        own: (L, J) float32, J = LONGEST, what the layer `joined` makes of them.
        layers: weights (3, H, J) of `joined` by harmonic, its bias (J,), weight (3, J) and bias (3,) of the answer, float32.
        answer: (L, 3) float32, written, see `edge_reader.Reading`.
    """
    normals, weight = contours
    pooled, bias, last, shift = layers
    wave, means = np.empty(WAVES, np.float32), np.empty((WAVES, hidden.shape[1]), np.float32)
    spread, first = np.empty((WAVES, own.shape[1]), np.float32), 0
    for n in range(len(weight)):
        count = _pool(normals[n], weight[n], pooling[n], hidden, first, wave, means)
        _spread(means, pooled, bias, spread)
        line = first
        for m in range(weight.shape[1]):
            if weight[n, m] > 0:
                _wave(normals[n, m, 0], normals[n, m, 1], wave)
                offset, log_sigma, seen = join_waves(own, line * LONGEST, wave, spread, last)
                log_sigma = min(_MOST, max(_LEAST, log_sigma + shift[1]))
                answer[line, 0], answer[line, 1] = offset + shift[0], np.exp(log_sigma)
                answer[line, 2] = _ONE / (_ONE + np.exp(-seen - shift[2]))
                line += 1
        first += count


@numba.njit(inline="always", **_fast)
def _wave(x, y, wave):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the harmonics of a direction."""
    x, y = np.float32(x), np.float32(y)
    wave[0], wave[1], wave[2], wave[3], wave[4] = _ONE, x, y, x * x - y * y, 2 * x * y


@numba.njit(**_fast)
def _pool(normals, weight, pooling, hidden, first, wave, means):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the mean of each wave times the features of one part, from the first line on; returns how many points it has."""
    means[:] = 0
    total, line, width = 0.0, first, hidden.shape[1]
    for m in range(len(weight)):
        if weight[m] <= 0:
            continue
        _wave(normals[m, 0], normals[m, 1], wave)
        total += pooling[m]
        for k in range(WAVES):
            for h in range(0, width, LANES):
                add_eight(hidden, line * width + h, wave[k] * np.float32(pooling[m]), means, k * width + h)
        line += 1
    means /= np.float32(max(total, 1e-6))
    return line - first


@numba.njit(**_fast)
def _spread(means, pooled, bias, spread):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the layer makes of the pooled means, and its bias."""
    spread[:] = 0
    spread[0] = bias
    _, height, width = pooled.shape
    for k in range(WAVES):
        harmonic = (k + 1) // 2
        for h in range(height):
            for j in range(0, width, LANES):
                add_eight(pooled, (harmonic * height + h) * width + j, means[k, h], spread, k * width + j)
