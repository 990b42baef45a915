"""A sample: a picture and the exact truth about what lies in it."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kontur.errors import DatasetError
from kontur.geometry import PixelPose

MAX_INSTANCES = 255


@dataclass(frozen=True)
class Instance:
    """One part in a picture.

    Attributes:
        part: index into the part list.
        pose: similarity of the part's top face at its datum, px.
        visible_fraction: visible pixels over the pixels it would cover alone in an unbounded picture, 0..1.
    """

    part: int
    pose: PixelPose
    visible_fraction: float


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture with its truth.

    Attributes:
        image: (H, W, 3) uint8, channels B, G, R.
        ids: (H, W) uint8; 0 is background, k is `instances[k - 1]`; holes show what lies behind them.
        instances: bottom to top of the pile.
    """

    image: NDArray[np.uint8]
    ids: NDArray[np.uint8]
    instances: tuple[Instance, ...]

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise DatasetError(f"image: expected (H, W, 3) uint8, got {self.image.shape} {self.image.dtype}")
        if self.ids.dtype != np.uint8 or self.ids.shape != self.image.shape[:2]:
            raise DatasetError(f"ids: expected {self.image.shape[:2]} uint8, got {self.ids.shape} {self.ids.dtype}")
        if len(self.instances) > MAX_INSTANCES:
            raise DatasetError(f"at most {MAX_INSTANCES} instances fit an 8-bit id map, got {len(self.instances)}")


def class_map(sample: Sample) -> NDArray[Any]:
    """Return (H, W): 0 is background, k is part k - 1 of the part list; uint8, or uint16 where that is too small."""
    numbers = [0, *(item.part + 1 for item in sample.instances)]
    table = np.zeros(MAX_INSTANCES + 1, np.uint8 if max(numbers) <= 255 else np.uint16)
    table[: len(numbers)] = numbers
    return table[sample.ids]


class Samples(Protocol):
    """Anything that holds samples: a data set on disk, or a generator that draws them when asked."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`, from 0."""
        ...
