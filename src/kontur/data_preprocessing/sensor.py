"""Lens and sensor: from linear light to the bytes of a camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing import exposure
from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.halves import unpacked, write_light
from kontur.pictures import Picture

_CODES = 4096
_METER_STEP_PX = 8
_LEAST_BLUR_PX = 0.2
_GREY_BGR = (0.114, 0.587, 0.299)

Floats = NDArray[np.float32]
Light = Floats | NDArray[np.uint16]


@dataclass(frozen=True)
class Look:
    """How the light becomes a picture.

    Attributes:
        blur_px: standard deviation of the lens's blur.
        motion_px: (u, v) of the movement while the shutter is open; (0, 0) for none.
        chromatic_px: how far red is shifted outwards, and blue inwards, at the corners.
        vignetting: loss of light at the corners, 0..1.
        exposure: median brightness after exposure, 0..1 linear.
        highlights: limit of the brightest 2 %; above 1 they are clipped.
        balance: gains B, G, R.
        well_e, read_e: full well and read noise, electrons.
        gamma: of the output curve.
        shoulder: how much the curve compresses bright tones.
        bayer, grey: whether the sensor has a colour mosaic; whether it sees no colour.
        jpeg_quality: of the file.
        noise_seed: where the noise starts.
    """

    blur_px: float
    motion_px: tuple[float, float]
    chromatic_px: float
    vignetting: float
    exposure: float
    highlights: float
    balance: tuple[float, float, float]
    well_e: float
    read_e: float
    gamma: float
    shoulder: float
    bayer: bool
    grey: bool
    jpeg_quality: int
    noise_seed: int


def draw_look(config: DataConfig, rng: np.random.Generator) -> Look:
    """Draw lens and sensor for one picture."""
    lens, sensor = config.lens, config.sensor
    turn, length = np.radians(rng.uniform(*lens.motion_deg)), rng.uniform(*lens.motion_px)
    motion = (float(length * np.cos(turn)), float(length * np.sin(turn))) if rng.uniform() < lens.motion else (0.0, 0.0)
    error = rng.uniform(*sensor.white_balance) * rng.choice([-1, 1], 2)
    low, high = np.log(sensor.exposure)
    return Look(
        blur_px=float(rng.uniform(*lens.blur_px)), motion_px=motion,
        chromatic_px=float(rng.uniform(*lens.chromatic_px)) if rng.uniform() < lens.chromatic else 0.0,
        vignetting=float(rng.uniform(*lens.vignetting)), exposure=float(np.exp(rng.uniform(low, high))),
        highlights=float(np.exp(rng.uniform(*np.log(sensor.highlights)))),
        balance=(1 + float(error[0]), 1.0, 1 + float(error[1])),
        well_e=float(rng.uniform(*sensor.full_well_e)), read_e=float(rng.uniform(*sensor.read_noise_e)),
        gamma=float(rng.uniform(*sensor.gamma)), shoulder=float(rng.uniform(*sensor.shoulder)),
        bayer=bool(rng.uniform() < sensor.bayer),
        grey=bool(rng.uniform() < sensor.grey),
        jpeg_quality=int(rng.integers(sensor.jpeg_quality[0], sensor.jpeg_quality[1] + 1)),
        noise_seed=int(rng.integers(1 << 30)),
    )  # fmt: skip


def photograph(light: Light, look: Look, noise: Floats) -> Picture:
    """Turn light into (H, W, 3) uint8 BGR: lens, exposure, noise, mosaic, curve.

    Args:
        light: (3, H, W) linear, float32 or packed, see `halves`; spoilt.
        look: lens and sensor.
        noise: standard normal pool.
    """
    _, height, width = light.shape
    _lens(light, look)
    gains = (_exposure_gain(light, look) * np.array(look.balance)).astype(np.float32)
    if look.grey:
        light, gains = _grey(light), gains[1:2]
    image = np.empty((height, width, len(light)), np.uint8)
    numbers = (
        light, _blur_weights(look.blur_px), gains, np.float32(look.vignetting), np.float32(look.well_e),
        np.float32(look.read_e), noise, look.noise_seed,
    )  # fmt: skip
    if look.bayer and not look.grey:
        single = np.empty((height, width), np.uint16)
        exposure.photograph_mosaic(*numbers, single)
        exposure.develop(cv2.demosaicing(single, cv2.COLOR_BayerRGGB2BGR), _output_curve(look), image)
    else:
        exposure.photograph(*numbers, _output_curve(look), image)
    return cv2.merge([image] * 3) if look.grey else image


def _grey(light: Light) -> Light:
    """(1, H, W) of what a sensor without colour gets, in place of `light`."""
    blue, green, red = unpacked(light)
    blue_green = cv2.addWeighted(blue, _GREY_BGR[0], green, _GREY_BGR[1], 0)
    write_light(light[:1], np.asarray(cv2.addWeighted(blue_green, 1, red, _GREY_BGR[2], 0), np.float32)[None])
    return light[:1]


def _exposure_gain(light: Light, look: Look) -> float:
    """What brings the median to the exposure, unless the brightest 2 % would pass their limit."""
    spots: Light = light[:, ::_METER_STEP_PX, ::_METER_STEP_PX].copy()
    sparse = unpacked(spots).mean(axis=0)
    ranks = [(sparse.size - 1) // 2, sparse.size // 2, (sparse.size - 1) * 98 // 100]
    low, high, bright = np.maximum(1e-6, np.partition(sparse.ravel(), ranks)[ranks])
    median = (low + high) / 2
    return float(min(look.exposure / median, look.highlights / bright))


def _blur_weights(sigma_px: float) -> Floats:
    """Weights of a Gaussian blur along a line, from its middle outwards; 1 and zeros where it would not be seen."""
    radius = int(np.ceil(2.2 * sigma_px)) if sigma_px > _LEAST_BLUR_PX else 0
    weights = np.zeros(max(radius, 1) + 1)
    weights[: radius + 1] = np.exp(-0.5 * (np.arange(radius + 1) / max(sigma_px, _LEAST_BLUR_PX)) ** 2)
    return (weights / (2 * weights.sum() - weights[0])).astype(np.float32)


def _output_curve(look: Look) -> NDArray[np.uint8]:
    """Bytes of the picture for 12-bit sensor values."""
    linear = np.arange(_CODES, dtype=np.float32) / np.float32(_CODES - 1)
    rolled = linear * (1 + look.shoulder) / (1 + look.shoulder * linear)
    return np.rint(255 * rolled ** np.float32(1 / look.gamma)).astype(np.uint8)


def _lens(light: Light, look: Look) -> None:
    """Colour fringes and motion, in place; the blur is part of the exposure."""
    if look.chromatic_px:
        _fringe(light, look.chromatic_px)
    if look.motion_px != (0.0, 0.0):
        kernel = _motion_kernel(look.motion_px)
        moved = [np.asarray(cv2.filter2D(plane, -1, kernel), np.float32) for plane in unpacked(light)]
        write_light(light, np.stack(moved))


def _fringe(light: Light, shift_px: float) -> None:
    """Enlarge red and shrink blue so that they part by twice `shift_px` at the corners."""
    half_diagonal = float(np.hypot(light.shape[1] - 1, light.shape[2] - 1)) / 2
    for plane, sign in ((light[:1], -1), (light[2:], 1)):
        before = unpacked(plane)
        after = np.empty_like(before)
        exposure.zoom(before[0], 1 + sign * shift_px / half_diagonal, after[0])
        write_light(plane, after)


def _motion_kernel(motion_px: tuple[float, float]) -> Floats:
    """A line of the given extent, anti-aliased, sum 1."""
    half = int(np.ceil(np.hypot(*motion_px) / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for t in np.linspace(-0.5, 0.5, 33):
        x, y = half + t * motion_px[0], half + t * motion_px[1]
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        fx, fy = x - x0, y - y0
        kernel[y0, x0] += (1 - fx) * (1 - fy)
        kernel[y0, x0 + 1] += fx * (1 - fy)
        kernel[y0 + 1, x0] += (1 - fx) * fy
        kernel[y0 + 1, x0 + 1] += fx * fy
    return kernel / kernel.sum()
