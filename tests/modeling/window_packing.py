"""Masks in windows as compiled code takes them."""

import numpy as np


def packed(windows):
    """Windows side by side in one array, see `masks.Packed`."""
    boxes = np.array([[*window.left_top, *window.pixels.shape[::-1]] for window in windows], np.int64)
    sizes = boxes[:, 2] * boxes[:, 3]
    pixels = np.concatenate([window.pixels.ravel() for window in windows])
    return pixels, np.cumsum(sizes) - sizes, boxes, np.array([window.pixels.sum() for window in windows], np.int64)
