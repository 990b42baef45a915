"""The generator's lens and sensor for pictures that exist already: as if another camera had taken them.

Nothing is moved or turned, so id maps and poses stay true. The picture's tone curve is taken to be a power of 2.2, which
real cameras only roughly follow: highlights that were clipped stay clipped.
"""

from dataclasses import replace

import cv2
import numpy as np

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.sample import Sample
from kontur.data_preprocessing.sensor import draw_look, photograph
from kontur.data_preprocessing.textures import noise_pool
from kontur.pictures import Picture

_GAMMA = 2.2
_GREATEST_TINT = 0.15


def augment_picture(picture: Picture, config: DataConfig, rng: np.random.Generator) -> Picture:
    """Return the picture as a camera of the configuration's `lens` and `sensor` sections would have taken it.

    Args:
        picture: (H, W, 3) uint8 BGR.
        config: the ranges; motion, blur, noise, colours, exposure and the rest are drawn from them.
        rng: decides them.

    Returns:
        (H, W, 3) uint8 BGR, a new array.
    """
    linear = ((np.arange(256) / 255) ** _GAMMA).astype(np.float32)
    tints = (1 + rng.uniform(-_GREATEST_TINT, _GREATEST_TINT, 3)).astype(np.float32)
    light = np.stack([tint * plane for tint, plane in zip(tints, cv2.split(cv2.LUT(picture, linear)), strict=True)])
    look = replace(draw_look(config, rng), motion_px=_half_motion(config, rng))
    return photograph(light, look, noise_pool())


def augment_sample(sample: Sample, config: DataConfig, rng: np.random.Generator) -> Sample:
    """Return the sample with its picture augmented; ids and instances are the same objects."""
    return replace(sample, image=augment_picture(sample.image, config, rng))


def _half_motion(config: DataConfig, rng: np.random.Generator) -> tuple[float, float]:
    """Motion blur of half the configured length: the picture was blurred once already."""
    if rng.uniform() >= config.lens.motion:
        return 0.0, 0.0
    turn, length = rng.uniform(0, np.pi), 0.5 * rng.uniform(*config.lens.motion_px)
    return float(length * np.cos(turn)), float(length * np.sin(turn))
