"""Sub-pixel edges along short profiles across an expected contour.

An edge is a local maximum of the change of the picture along the contour's normal. The change is the Euclidean norm over
the colour channels, so that neither the edge's sign (bright on dark, dark on bright, mixed) nor equal brightness of
differently coloured things matters. Pixel centres are at integers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.pictures import Picture

Floats = NDArray[np.float32]

_NOISE_TO_SIGMA = 1.4826
PARABOLA_PX = 1.0
"""Distance of the outer samples from the middle one: nearer ones see only the flat top that interpolation gives an edge."""
_LEAST_STRENGTH = 1.0
"""Grey levels per px: weaker changes are quantisation."""


@dataclass(frozen=True, eq=False)
class EdgePicture:
    """A smoothed picture, ready to be sampled.

    Attributes:
        pixels: (h, w, C) float32, smoothed.
        reduction: how many pixels of the picture one pixel here stands for.
        noise: standard deviation of the change per px that noise alone causes, grey levels.
    """

    pixels: Floats
    reduction: int
    noise: float


def edge_picture(picture: Picture, sigma_px: float, reduction: int = 1) -> EdgePicture:
    """Smooth a picture for edge detection.

    Args:
        picture: (H, W, 3) uint8.
        sigma_px: standard deviation of the Gaussian, in px of the reduced picture.
        reduction: the picture is first reduced by this integer factor (area average).
    """
    source = picture
    if reduction > 1:
        size = (max(1, picture.shape[1] // reduction), max(1, picture.shape[0] // reduction))
        source = cv2.resize(picture[: size[1] * reduction, : size[0] * reduction], size, interpolation=cv2.INTER_AREA)
    pixels = (
        cv2.GaussianBlur(source.astype(np.float32), (0, 0), sigma_px) if sigma_px > 0 else source.astype(np.float32)
    )
    return EdgePicture(pixels, reduction, noise_level(pixels))


def noise_level(pixels: Floats) -> float:
    """Return the standard deviation of the change over 1 px that noise causes, from the median of all changes.

    Most of a picture is not edge, so the median change is noise (and fine texture). Never below `_LEAST_STRENGTH` / 3.
    """
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / 40_000)))
    change = np.linalg.norm(pixels[::step, 2:] - pixels[::step, :-2], axis=2)[:, ::step] / 2
    return max(_LEAST_STRENGTH / 3, _NOISE_TO_SIGMA * float(np.median(change)) / np.sqrt(pixels.shape[2]))


def profiles(source: EdgePicture, points_px: NDArray, normals_px: NDArray, offsets_px: NDArray) -> Floats:
    """Return the strength of change along normals.

    Args:
        source: the prepared picture.
        points_px: (N, M, 2) px.
        normals_px: (N, M, 2) unit.
        offsets_px: (K,) equally spaced distances along the normal, px.

    Returns:
        (N, M, K) float32 strengths, grey levels per px, 0 where the profile leaves the picture.
    """
    step = float(offsets_px[1] - offsets_px[0])
    reach = max(1, round(source.reduction / step))  # the derivative spans 2 px of the reduced picture
    padded = np.concatenate(
        [offsets_px[0] + step * np.arange(-reach, 0), offsets_px, offsets_px[-1] + step * np.arange(1, reach + 1)]
    )
    at = points_px[:, :, None] + normals_px[:, :, None] * padded[None, None, :, None]
    shift = (source.reduction - 1) / 2
    at = ((at - shift) / source.reduction).astype(np.float32)
    count, points, samples = at.shape[:3]
    flat = at.reshape(count * points, samples, 2)
    values = _remap(source.pixels, flat)
    change = values[:, 2 * reach :] - values[:, : -2 * reach]
    strength = np.sqrt(np.einsum("ijc,ijc->ij", change, change)) * np.float32(1 / (2 * reach * step))
    height, width = source.pixels.shape[:2]
    inside = ((flat >= 0) & (flat <= np.array([width - 1, height - 1], np.float32))).all(axis=2)
    strength[~(inside[:, 2 * reach :] & inside[:, : -2 * reach])] = 0
    return strength.reshape(count, points, len(offsets_px))


def _remap(pixels: Floats, at: Floats) -> Floats:
    """Bilinear samples; OpenCV limits a map to 32767 rows, so tall ones go in pieces."""
    rows = 30_000
    pieces = [
        cv2.remap(pixels, at[start : start + rows], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for start in range(0, len(at), rows)
    ]
    values = np.concatenate(pieces) if len(pieces) != 1 else pieces[0]
    return values if values.ndim == 3 else values[..., None]


def strongest_peaks(
    strength: Floats, offsets_px: NDArray, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the strongest local maxima along each profile, placed by a parabola through three samples.

    Args:
        strength: (N, M, K) from `profiles`, K >= 3.
        offsets_px: (K,) their distances.
        count: peaks to return per profile.

    Returns:
        offset (N, M, count) px and strength (N, M, count), strongest first; strength 0 where there is no further peak.
    """
    left, middle, right = strength[..., :-2], strength[..., 1:-1], strength[..., 2:]
    is_peak = (middle > left) & (middle >= right)
    height = np.where(is_peak, middle, 0)
    step = float(offsets_px[1] - offsets_px[0])
    wide = max(1, round(PARABOLA_PX / step))
    found_at, found = [], []
    for _ in range(count):
        best = height.argmax(axis=2)[..., None]
        found.append(np.take_along_axis(height, best, axis=2)[..., 0])
        middle_at = np.clip(best + 1, wide, strength.shape[2] - 1 - wide)
        a, b, c = (np.take_along_axis(strength, middle_at + k, axis=2)[..., 0] for k in (-wide, 0, wide))
        bend = a - 2 * b + c
        sub = np.divide(a - c, 2 * bend, out=np.zeros_like(a), where=bend < 0)
        found_at.append(offsets_px[middle_at[..., 0]] + np.clip(sub, -1, 1) * wide * step)
        np.put_along_axis(height, best, 0, axis=2)
    return np.stack(found_at, axis=2).astype(np.float64), np.stack(found, axis=2).astype(np.float64)
