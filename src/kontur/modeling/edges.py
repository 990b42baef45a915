"""Sub-pixel edges along short profiles across an expected contour.

An edge is a local maximum of the change of the picture along the contour's normal. The change is the Euclidean norm over
the colour channels, so that neither the edge's sign (bright on dark, dark on bright, mixed) nor equal brightness of
differently coloured things matters. Pixel centres are at integers.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.sampling import change_along, edges_along, peaks_along, sample_lines
from kontur.modeling.smoothing import Survey, is_large, smoothed, smoothed_tiles, survey
from kontur.modeling.tiles_on_demand import Tiles
from kontur.pictures import Picture

Floats = NDArray[np.float32]
Contours = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Points (N, M, 2) px, normals (N, M, 2) and weights (N, M) of placed contours; a point without weight is not looked at."""

_NOISE_TO_SIGMA = 1.4826
PARABOLA_PX = 1.0
"""Distance of the outer samples from the middle one: nearer ones see only the flat top that interpolation gives an edge."""
_NOISE_PLACES = 10_000
_LEAST_STRENGTH = 1.0
"""Grey levels per px: weaker changes are quantisation."""


@dataclass(frozen=True, eq=False)
class EdgePicture:
    """A smoothed picture, ready to be sampled.

    Attributes:
        pixels: (h, w, C) float32, smoothed; of a large picture only where `smooth_near` has been.
        reduction: how many pixels of the picture one pixel here stands for.
        noise: standard deviation of the change per px that noise alone causes, grey levels.
        tiles: what fills `pixels` tile by tile; None when all is filled.
        survey: windows that stand for the whole.
    """

    pixels: Floats
    reduction: int
    noise: float
    tiles: Tiles | None = None
    survey: Survey | None = None

    def smooth_near(self, first_uv: NDArray, last_uv: NDArray) -> None:
        """Fill `pixels` around lines between (L, 2) ends, px of the reduced picture."""
        if self.tiles is not None:
            self.tiles.fill(first_uv, last_uv)

    def smooth_across(self, contours: Contours, line: "Crossing") -> None:
        """Fill `pixels` where contours will be crossed."""
        if self.tiles is not None:
            points, normals = (values[contours[2] > 0] for values in contours[:2])
            start, along = _lines(self, points, normals, line.first_px, line.step_px)
            self.smooth_near(start, start + (line.samples - 1) * along)


def edge_picture(picture: Picture, sigma_px: float, reduction: int = 1) -> EdgePicture:
    """Smooth a picture for edge detection; a large one only where it will be sampled.

    Args:
        picture: (H, W, 3) uint8.
        sigma_px: standard deviation of the Gaussian, in px of the reduced picture.
        reduction: the picture is first reduced by this integer factor (area average).
    """
    if is_large(picture, reduction):
        tiles, windows = smoothed_tiles(picture, sigma_px, reduction), survey(picture, sigma_px, reduction)
        return EdgePicture(tiles.pixels, reduction, noise_of(windows), tiles, windows)
    pixels = smoothed(picture, sigma_px, reduction)
    return EdgePicture(pixels, reduction, noise_level(pixels))


def noise_level(pixels: Floats) -> float:
    """Return the standard deviation of the change over 1 px that noise causes, from the median of all changes.

    Most of a picture is not edge, so the median change is noise (and fine texture). Never below `_LEAST_STRENGTH` / 3.
    """
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / _NOISE_PLACES)))
    return _noise_from(pixels[::step, 2:][:, ::step] - pixels[::step, :-2][:, ::step])


def noise_of(windows: Survey) -> float:
    """Return the noise level of a picture that was surveyed in windows."""
    inner = windows.windows
    return _noise_from(inner[:, :, :, 2:] - inner[:, :, :, :-2])


def _noise_from(change: Floats) -> float:
    length = np.sqrt(np.einsum("...c,...c->...", change, change)) / 2
    return max(_LEAST_STRENGTH / 3, _NOISE_TO_SIGMA * float(np.median(length)) / np.sqrt(change.shape[-1]))


@dataclass(frozen=True, eq=False)
class Profiles:
    """What a picture shows along the normals of N contours of M points.

    Attributes:
        values: (N, M, K, C) float32 grey levels.
        start_uv: (N M, 2) where each profile begins, px of the reduced picture, and step_uv from sample to sample.
        first_px: distance of the first sample from the contour, px.
        step_px: distance between samples.
    """

    values: Floats
    start_uv: NDArray[np.float64]
    step_uv: NDArray[np.float64]
    first_px: float
    step_px: float


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
    reach = _reach(source, step)
    first = float(offsets_px[0]) - reach * step
    return changes(source, sample_profiles(source, points_px, normals_px, first, step, len(offsets_px) + 2 * reach))


def sample_profiles(
    source: EdgePicture, points_px: NDArray, normals_px: NDArray, first_px: float, step_px: float, samples: int
) -> Profiles:
    """Sample the picture along normals, from `first_px` on in steps of `step_px`; arguments as `profiles` has them."""
    start, along = _lines(source, points_px, normals_px, first_px, step_px)
    source.smooth_near(start, start + (samples - 1) * along)
    values = np.empty((len(start), samples, source.pixels.shape[2]), np.float32)
    sample_lines(source.pixels, start, along, values)
    return Profiles(values.reshape(*points_px.shape[:2], samples, -1), start, along, first_px, step_px)


def changes(source: EdgePicture, sampled: Profiles, reach_px: float | None = None) -> Floats:
    """Return the strength of change along sampled profiles, which must be of this picture.

    Args:
        source: the prepared picture.
        sampled: of N contours of M points, K samples each.
        reach_px: only so far from the contour on both sides; None as far as the samples go.

    Returns:
        (N, M, K') float32, as `profiles`.
    """
    reach, step = _reach(source, sampled.step_px), sampled.step_px
    skipped = 0 if reach_px is None else round((-reach_px - sampled.first_px) / step) - reach
    values = sampled.values.reshape(-1, *sampled.values.shape[2:])[:, skipped : sampled.values.shape[2] - skipped]
    strength = np.empty((len(values), values.shape[1] - 2 * reach), np.float32)
    start = sampled.start_uv + skipped * sampled.step_uv
    scale = np.float32(1 / (2 * reach * step))
    change_along(values, reach, scale, start, sampled.step_uv, source.pixels.shape[1::-1], strength)
    return strength.reshape(*sampled.values.shape[:2], -1)


class Crossing(NamedTuple):
    """How contours are crossed by lines of samples.

    Attributes:
        first_px: distance of the first sample from the contour.
        step_px: distance between samples.
        samples: their number.
        reach: half the distance of a difference, samples.
        wide: distance of a parabola's outer samples from the middle one, samples.
        reduction: of the picture that is sampled.
    """

    first_px: float
    step_px: float
    samples: int
    reach: int
    wide: int
    reduction: int


def crossing(source: EdgePicture, range_px: float, step_px: float) -> Crossing:
    """Return how to look for edges within a range: a little beyond it, a peak has two sides."""
    reach = _reach(source, step_px)
    half = int(np.ceil(range_px / step_px)) + 2 + reach
    return Crossing(-half * step_px, step_px, 2 * half + 1, reach, _wide(step_px), source.reduction)


def edges_across(
    source: EdgePicture,
    contours: Contours,
    line: Crossing,
    limits: tuple[float, float],
    offset: NDArray,
    strength: NDArray,
) -> None:
    """Find the strongest edges across contours, see `sampling.edges_along`."""
    source.smooth_across(contours, line)
    edges_along(source.pixels, contours, line, limits, offset, strength)


def _wide(step_px: float) -> int:
    return max(1, round(PARABOLA_PX / step_px))


def _reach(source: EdgePicture, step_px: float) -> int:
    """Return half the distance of a difference in samples: it spans 2 px of the reduced picture."""
    return max(1, round(source.reduction / step_px))


def _lines(
    source: EdgePicture, points_px: NDArray, normals_px: NDArray, first_px: float, step_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return starts and steps (L, 2) of profiles in px of the reduced picture."""
    shift = (source.reduction - 1) / 2
    start = ((points_px + first_px * normals_px - shift) / source.reduction).reshape(-1, 2)
    return start, (normals_px * (step_px / source.reduction)).reshape(-1, 2)


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
    step = float(offsets_px[1] - offsets_px[0])
    lines = np.ascontiguousarray(strength.reshape(-1, strength.shape[2]), np.float32)
    at, height = np.empty((len(lines), count)), np.empty((len(lines), count), np.float32)
    peaks_along(lines, _wide(step), at, height)
    shape = (*strength.shape[:2], count)
    return (float(offsets_px[0]) + step * at).reshape(shape), height.astype(np.float64).reshape(shape)
