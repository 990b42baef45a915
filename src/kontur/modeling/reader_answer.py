"""The last layers of the edge reader, compiled: what each point sees, beside what its part pools."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}

LEAST_LOG_SIGMA, MOST_LOG_SIGMA = -4.5, 2.0
CORNER_POOL_WEIGHT = 0.3
"""What points next to corners tell of their part, smooth stretches telling 1."""
_WAVES = 5
_ONE = np.float32(1)


@numba.njit(**_fast)
def answer_parts(contours, pooling, hidden, own, layers, answer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the reader's answer at every point with a weight, part after part.

    What a part pools are the means of its points' features times five waves over the normal's direction: 1, the first and
    the second harmonic. Waves of one harmonic share weights, so that a part reads alike however it is turned.

    Args:
        contours: normals (N, M, 2) and weights (N, M).
        pooling: (N, M) how much a point tells of its part.
        hidden: (L, H) float32 features of the L points with a weight, in their order.
        own: (L, J) float32 what the layer `joined` makes of them.
        layers: weights (3, H, J) of `joined` by harmonic, its bias (J,), weight (3, J) and bias (3,) of the answer, float32.
        answer: (L, 3) float32, written, see `edge_reader.Reading`.
    """
    normals, weight = contours
    pooled, bias, last, shift = layers
    wave, means = np.empty(_WAVES, np.float32), np.empty((_WAVES, hidden.shape[1]), np.float32)
    spread, first = np.empty((_WAVES, own.shape[1]), np.float32), 0
    for n in range(len(weight)):
        count = _pool(normals[n], weight[n], pooling[n], hidden[first:], wave, means)
        _spread(means, pooled, spread)
        line = first
        for m in range(weight.shape[1]):
            if weight[n, m] > 0:
                _wave(normals[n, m], wave)
                _answer(own[line], wave, spread, bias, last, shift, answer[line])
                line += 1
        first += count


@numba.njit(inline="always", **_fast)
def _wave(normal, wave):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the harmonics of a direction."""
    x, y = np.float32(normal[0]), np.float32(normal[1])
    wave[0], wave[1], wave[2], wave[3], wave[4] = _ONE, x, y, x * x - y * y, 2 * x * y


@numba.njit(**_fast)
def _pool(normals, weight, pooling, hidden, wave, means):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the mean of each wave times the features of one part; returns how many points it has."""
    means[:] = 0
    total, line = 0.0, 0
    for m in range(len(weight)):
        if weight[m] <= 0:
            continue
        _wave(normals[m], wave)
        total += pooling[m]
        for k in range(_WAVES):
            share = wave[k] * np.float32(pooling[m])
            for h in range(hidden.shape[1]):
                means[k, h] += share * hidden[line, h]
        line += 1
    means /= np.float32(max(total, 1e-6))
    return line


@numba.njit(**_fast)
def _spread(means, pooled, spread):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write what the layer makes of the pooled means."""
    spread[:] = 0
    for k in range(_WAVES):
        harmonic = (k + 1) // 2
        for h in range(means.shape[1]):
            for j in range(spread.shape[1]):
                spread[k, j] += means[k, h] * pooled[harmonic, h, j]


@numba.njit(**_fast)
def _answer(own, wave, spread, bias, last, shift, answer):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write offset, standard deviation and visibility at one point."""
    offset, log_sigma, seen = shift[0], shift[1], shift[2]
    for j in range(len(own)):
        value = own[j] + bias[j]
        for k in range(_WAVES):
            value += wave[k] * spread[k, j]
        value = max(value, np.float32(0))
        offset += value * last[0, j]
        log_sigma += value * last[1, j]
        seen += value * last[2, j]
    answer[0] = offset
    answer[1] = np.exp(min(np.float32(MOST_LOG_SIGMA), max(np.float32(LEAST_LOG_SIGMA), log_sigma)))
    answer[2] = _ONE / (_ONE + np.exp(-seen))
