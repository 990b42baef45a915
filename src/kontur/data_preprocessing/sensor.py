"""Lens and sensor: from linear light to the bytes of a camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing import kernels
from kontur.data_preprocessing.data_config import DataConfig
from kontur.pictures import Picture

_CODES = 4096
_METER_STEP_PX = 8


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
    turn, length = rng.uniform(0, np.pi), rng.uniform(*lens.motion_px)
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


def photograph(light: NDArray[np.float32], look: Look, noise: NDArray[np.float32]) -> Picture:
    """Turn (H, W, 3) linear light into (H, W, 3) uint8 BGR: lens, exposure, noise, mosaic, curve. `light` is spoilt."""
    light = _lens(light, look)
    sparse = light[::_METER_STEP_PX, ::_METER_STEP_PX].mean(axis=2)
    median, bright = np.maximum(1e-6, np.percentile(sparse, (50, 98)))
    gain = min(look.exposure / median, look.highlights / bright)
    gains = (gain * np.array(look.balance)).astype(np.float32)
    if look.grey:
        light = cv2.cvtColor(cv2.cvtColor(light, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        gains[:] = gains[1]
    curve = _output_curve(look)
    image = np.empty(light.shape, np.uint8)
    well, read, fall = np.float32(look.well_e), np.float32(look.read_e), np.float32(look.vignetting)
    if look.bayer and not look.grey:
        raw, single = np.empty(light.shape, np.uint16), np.empty(light.shape[:2], np.uint16)
        kernels.expose(light, gains, fall, well, read, noise, look.noise_seed, np.arange(_CODES, dtype=np.uint16), raw)
        kernels.mosaic(raw, single)
        kernels.develop(cv2.demosaicing(single, cv2.COLOR_BayerRGGB2BGR), curve, image)
        return image
    kernels.expose(light, gains, fall, well, read, noise, look.noise_seed, curve, image)
    return cv2.merge([cv2.extractChannel(image, 1)] * 3) if look.grey else image


def _output_curve(look: Look) -> NDArray[np.uint8]:
    """Bytes of the picture for 12-bit sensor values."""
    linear = np.arange(_CODES) / (_CODES - 1)
    rolled = linear * (1 + look.shoulder) / (1 + look.shoulder * linear)
    return np.rint(255 * rolled ** (1 / look.gamma)).astype(np.uint8)


def _lens(light: NDArray[np.float32], look: Look) -> NDArray[np.float32]:
    """Colour fringes, blur and motion."""
    if look.chromatic_px:
        light = _fringes(light, look.chromatic_px)
    if look.blur_px > 0.2:
        size = 2 * int(np.ceil(2.2 * look.blur_px)) + 1
        light = cv2.GaussianBlur(light, (size, size), look.blur_px, dst=light)
    if look.motion_px != (0.0, 0.0):
        light = cv2.filter2D(light, -1, _motion_kernel(look.motion_px))
    return light


def _fringes(light: NDArray[np.float32], shift_px: float) -> NDArray[np.float32]:
    """Enlarge red and shrink blue so that they part by twice `shift_px` at the corners."""
    height, width = light.shape[:2]
    blue, green, red = cv2.split(light)
    middle = (np.array([width, height]) - 1) / 2
    moved = []
    for channel, sign in ((blue, -1), (red, 1)):
        factor = 1 + sign * shift_px / float(np.hypot(*middle))
        matrix = np.array([[factor, 0, middle[0] * (1 - factor)], [0, factor, middle[1] * (1 - factor)]])
        moved.append(cv2.warpAffine(channel, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return cv2.merge([moved[0], green, moved[1]])


def _motion_kernel(motion_px: tuple[float, float]) -> NDArray[np.float32]:
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
