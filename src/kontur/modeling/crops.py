"""Training crops: cut from samples at full resolution, turned by quarter turns, with varied colours.

Crop i depends on (seed, i) alone, so that any number of loader processes yields the same crops in the same order. Several
crops are cut from each picture (see `replay`), because reading or rendering it costs more than cutting.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kontur.data_preprocessing.sample import Instance, Sample, Samples
from kontur.modeling.heads import MULTIPLE
from kontur.modeling.replay import LANES, MEMORY_BYTES, Replay, Shelf
from kontur.modeling.targets import PartTraits, cell_targets

_AIMED_FRACTION = 0.8
_AIM_JITTER = 0.35
_GREY_PROBABILITY = 0.15
_BLUR_PROBABILITY = 0.25
_NOISE_PROBABILITY = 0.3
_CHANNEL_GAIN = 0.15
_CONTRAST = (0.6, 1.4)
_BRIGHTNESS = 0.15
_GAMMA = (0.6, 1.6)
_NOISE_SIGMA = (1.0, 8.0)
_BLUR_SIGMA_PX = (0.3, 1.1)
_PAD_GREY = 114
_PICTURE_STREAM = 1
"""Sets the choice of pictures apart from the cutting of crops."""


@dataclass(frozen=True)
class CropSettings:
    """What every crop of a training has in common.

    Attributes:
        crop_px: side.
        traits: of the part list.
        seed: of all crops.
        replay: which picture each crop is cut from.
    """

    crop_px: int
    traits: PartTraits
    seed: int
    replay: Replay = field(default_factory=Replay)


class Crops(torch.utils.data.Dataset):
    """An endless, indexable list of training crops: (3, S, S) uint8 BGR picture and its targets."""

    def __init__(self, samples: Samples, settings: CropSettings) -> None:
        self.samples = samples
        self.settings = settings
        self._pictures = Shelf(self._picture, settings.replay.pictures_in_memory)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return crop `index`; see `targets.cell_targets` for the targets."""
        rng = np.random.default_rng((self.settings.seed, index))
        sample = self._pictures[self.settings.replay.picture_of(index)]
        sample = quarter_turn(_cut(sample, self.settings.crop_px, rng), int(rng.integers(4)))
        return as_tensors(replace(sample, image=vary_colours(sample.image, rng)), self.settings)

    def share(self, processes: int) -> None:
        """Hold only the pictures of the lanes that one of so many loader processes serves."""
        self._pictures.most //= math.gcd(processes, LANES)

    def _picture(self, number: int) -> Sample:
        rng = np.random.default_rng((self.settings.seed, number, _PICTURE_STREAM))
        return self.samples[int(rng.integers(len(self.samples)))]


class WholePictures(torch.utils.data.Dataset):
    """The first pictures of a split as they are, padded to the network's multiple: for validation.

    As many as fit into MEMORY_BYTES are read or rendered once.
    """

    def __init__(self, samples: Samples, settings: CropSettings, count: int) -> None:
        self.samples = samples
        self.settings = settings
        self.count = min(count, len(samples))
        self._held: dict[int, dict[str, Tensor]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return picture `index` and its targets."""
        if index >= self.count:
            raise IndexError(index)
        if index in self._held:
            return self._held[index]
        tensors = as_tensors(_pad(self.samples[index], MULTIPLE), self.settings)
        self._bytes += sum(tensor.nbytes for tensor in tensors.values())
        if self._bytes <= MEMORY_BYTES:
            self._held[index] = tensors
        return tensors


class Endless(torch.utils.data.Sampler):
    """Crop numbers without end, in batches; each of several machines gets every batch of its own.

    Attributes:
        step: the batch to begin with; may be moved before iteration starts (a resume).
    """

    def __init__(self, batch_size: int, machines: int = 1, rank: int = 0) -> None:
        self.step = 0
        self._batch_size, self._machines, self._rank = batch_size, machines, rank

    def __iter__(self) -> Iterator[int]:
        for batch in itertools.count(self.step * self._machines + self._rank, self._machines):
            yield from range(batch * self._batch_size, (batch + 1) * self._batch_size)

    def __len__(self) -> int:
        return 2**40


def as_tensors(sample: Sample, settings: CropSettings) -> dict[str, Tensor]:
    """Return the picture (3, H, W) uint8 and the targets of a sample whose sides are multiples of MULTIPLE."""
    targets = cell_targets(sample.ids, sample.instances, settings.traits)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in targets.items()}
    tensors["picture"] = torch.from_numpy(np.ascontiguousarray(sample.image.transpose(2, 0, 1)))
    return tensors


def quarter_turn(sample: Sample, turns: int) -> Sample:
    """Turn a sample counter-clockwise by `turns` quarter turns."""
    turns %= 4
    if turns == 0:
        return sample
    instances = sample.instances
    width = sample.ids.shape[1]
    height = sample.ids.shape[0]
    for _ in range(turns):
        instances = tuple(_turned(instance, width) for instance in instances)
        width, height = height, width
    return Sample(np.rot90(sample.image, turns), np.rot90(sample.ids, turns), instances)


def vary_colours(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change tone and colour per channel, and sometimes blur, add noise or drop the colour."""
    level = np.arange(256) / 255.0
    level = level ** np.exp(rng.uniform(*np.log(_GAMMA)))
    level = (level - 0.5) * rng.uniform(*_CONTRAST) + 0.5 + rng.uniform(-_BRIGHTNESS, _BRIGHTNESS)
    gains = 1 + rng.uniform(-_CHANNEL_GAIN, _CHANNEL_GAIN, 3)
    table = np.clip(level[:, None] * gains * 255, 0, 255).astype(np.uint8).reshape(256, 1, 3)
    image = cv2.LUT(np.ascontiguousarray(image), table)
    if rng.random() < _GREY_PROBABILITY:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < _BLUR_PROBABILITY:
        image = cv2.GaussianBlur(image, (5, 5), rng.uniform(*_BLUR_SIGMA_PX))
    if rng.random() < _NOISE_PROBABILITY:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(*_NOISE_SIGMA))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    return image


def _cut(sample: Sample, side: int, rng: np.random.Generator) -> Sample:
    """Cut a square of `side` px, most often near an instance; beyond the picture lies flat grey without parts."""
    height, width = sample.ids.shape
    middle = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    if sample.instances and rng.random() < _AIMED_FRACTION:
        pose = sample.instances[rng.integers(len(sample.instances))].pose
        middle = np.array([pose.u, pose.v]) + rng.uniform(-_AIM_JITTER, _AIM_JITTER, 2) * side
    limit = np.maximum([width - side, height - side], 0)
    left, top = np.clip(np.round(middle - side / 2), 0, limit).astype(int)
    return _pad(_window(sample, int(left), int(top), side), side)


def _window(sample: Sample, left: int, top: int, side: int) -> Sample:
    instances = tuple(
        replace(item, pose=replace(item.pose, u=item.pose.u - left, v=item.pose.v - top)) for item in sample.instances
    )
    area = np.s_[top : top + side, left : left + side]
    return Sample(sample.image[area], sample.ids[area], instances)


def _pad(sample: Sample, multiple: int) -> Sample:
    """Pad at the right and bottom to multiples of `multiple`."""
    height, width = sample.ids.shape
    bottom, right = -height % multiple, -width % multiple
    if not (bottom or right):
        return sample
    image = cv2.copyMakeBorder(sample.image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=[_PAD_GREY] * 3)
    ids = cv2.copyMakeBorder(sample.ids, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    return Sample(image, ids, sample.instances)


def _turned(instance: Instance, width: int) -> Instance:
    """Turn counter-clockwise by a quarter in a picture of the given width."""
    pose = instance.pose
    return replace(instance, pose=replace(pose, u=pose.v, v=width - 1 - pose.u, angle_rad=pose.angle_rad + np.pi / 2))
