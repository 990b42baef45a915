"""What a network says about masks, averaged over their cells; compiled, see `appearance`."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "error_model": "numpy"}
_COUNT, _FOREGROUND, _NAMED, _VOTED, _DOWN = range(5)
_EVEN = 0.5


@numba.njit(**_fast)
def mean_answers(output, zoom_xy, cell, masks, named, near, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Average a network's answer over the cells whose centres lie in each of N masks.

    Args:
        output: (4 + P, h, w) float32: logit of foreground, offset (u, v), logit of lying face down, logits of the parts.
        zoom_xy: (2,) size of the picture that the network saw over the picture's own.
        cell: side of a cell, the pixel of it that stands for it, and unit of the offset, px.
        masks: see `masks.packed`.
        named: (N,) the part whose probability is averaged.
        near: (N, 2) datum in the picture that the network saw, px, and how far from it votes may point.
        out: (N, 5), written: number of cells; means of the probability of foreground and of the part, of the foreground
            of cells that vote for the datum, and of the probability of lying face down. Without cells 0; the last 0.5.
    """
    pixels, starts, boxes, _ = masks
    stride, centre, unit = cell
    datum, reach = near
    for n in range(len(boxes)):
        out[n] = 0
        left, top, width, height = boxes[n]
        first_row, rows = cells_over(top, height, zoom_xy[1], stride, output.shape[1])
        first_column, columns = cells_over(left, width, zoom_xy[0], stride, output.shape[2])
        for i, k in np.ndindex(rows, columns):
            row, column = first_row + i, first_column + k
            at_u, at_v = column * stride + centre, row * stride + centre
            u = round((at_u + 0.5) / zoom_xy[0] - 0.5) - left
            v = round((at_v + 0.5) / zoom_xy[1] - 0.5) - top
            if u < 0 or v < 0 or u >= width or v >= height or not pixels[starts[n] + v * width + u]:
                continue
            foreground = _sigmoid(output[0, row, column])
            away_u, away_v = at_u + unit * output[1, row, column], at_v + unit * output[2, row, column]
            is_near = (away_u - datum[n, 0]) ** 2 + (away_v - datum[n, 1]) ** 2 <= reach * reach
            out[n, _COUNT] += 1
            out[n, _FOREGROUND] += foreground
            out[n, _NAMED] += _share(output[4:, row, column], named[n])
            out[n, _VOTED] += foreground * is_near
            out[n, _DOWN] += _sigmoid(output[3, row, column])
        if out[n, _COUNT] > 0:
            out[n, 1:] /= out[n, _COUNT]
        else:
            out[n, _DOWN] = _EVEN


@numba.njit(inline="always", **_fast)
def cells_over(start, length, zoom, stride, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the first of the cells that may lie over a stretch of the picture, and how many."""
    first = max(0, int(start * zoom / stride) - 1)
    return first, max(0, min(count, int((start + length) * zoom / stride) + 2) - first)


@numba.njit(inline="always", **_fast)
def _sigmoid(logit):  # type: ignore[no-untyped-def]  # pragma: no cover
    return 1 / (1 + np.exp(-np.float64(logit)))


@numba.njit(inline="always", **_fast)
def _share(logits, index):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the softmax of one of the logits."""
    total = 0.0
    for k in range(len(logits)):
        total += np.exp(np.float64(logits[k]) - np.float64(logits[index]))
    return 1 / total
