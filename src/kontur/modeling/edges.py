"""Sub-pixel edges along short profiles across an expected contour.

An edge is a local maximum of the change of the picture along the contour's normal. The change is the Euclidean norm over
the colour channels, so that neither the edge's sign (bright on dark, dark on bright, mixed) nor equal brightness of
differently coloured things matters. Pixel centres are at integers.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.noise import noise_at, noise_level
from kontur.modeling.smoothing import Survey, is_large, reduced, smoothed, smoothed_tiles, survey
from kontur.modeling.tiles_on_demand import Tiles
from kontur.pictures import Picture

Floats = NDArray[np.float32]
Contours = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Points (N, M, 2) px, normals (N, M, 2) and weights (N, M) of placed contours; a point without weight is not looked at."""

PARABOLA_PX = 1.0
"""Distance of the outer samples from the middle one: nearer ones see only the flat top that interpolation gives an edge."""
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

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture, less what the reduction leaves over."""
        return self.pixels.shape[1] * self.reduction, self.pixels.shape[0] * self.reduction

    def smooth_near(self, first_uv: NDArray[np.float64], last_uv: NDArray[np.float64]) -> None:
        """Fill `pixels` around lines between (L, 2) ends, px of the reduced picture."""
        if self.tiles is not None:
            self.tiles.fill(first_uv, last_uv)

    def smooth_across(self, contours: Contours, line: "Crossing") -> None:
        """Fill `pixels` where contours will be crossed."""
        if self.tiles is not None:
            points, normals = (values[contours[2] > 0] / self.reduction for values in contours[:2])
            start = points + line.first_px * normals - (self.reduction - 1) / 2 / self.reduction
            self.smooth_near(start, start + (line.samples - 1) * line.step_px * normals)


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
    return edges_of(reduced(picture, reduction), sigma_px, reduction)


def edges_of(small: Picture, sigma_px: float, reduction: int) -> EdgePicture:
    """Smooth a picture, already reduced, as a whole; arguments as of `edge_picture`."""
    pixels = smoothed(small, sigma_px)
    return EdgePicture(pixels, reduction, _level(noise_level(pixels)))


def noise_of(windows: Survey) -> float:
    """Return the noise level of a picture that was surveyed in windows."""
    (width, height), seam = windows.window_wh, windows.seam_px + 1
    top, left = (
        np.arange(count) * side + seam for count, side in ((len(windows.top), height), (len(windows.left), width))
    )
    return _level(noise_at(windows.pixels, top, left))


def _level(noise: float) -> float:
    return max(_LEAST_STRENGTH / 3, noise)


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


def _wide(step_px: float) -> int:
    return max(1, round(PARABOLA_PX / step_px))


def _reach(source: EdgePicture, step_px: float) -> int:
    """Return half the distance of a difference in samples: it spans 2 px of the reduced picture."""
    return max(1, round(source.reduction / step_px))
