"""Samples that are rendered when they are asked for: practically endless, nothing on disk."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from kontur.data_preprocessing.data_config import DataConfig
from kontur.data_preprocessing.render import RenderContext, draw_all, make_context, render_scene
from kontur.data_preprocessing.sample import Sample, Samples
from kontur.errors import DatasetError
from kontur.geometry import Part

ENDLESS = 2**31
"""How many samples a training may draw from."""


@dataclass(frozen=True, eq=False)
class FreshSamples:
    """The samples that `kontur generate` would write with this configuration and seed, JPEG included.

    Equal ones share one render context in a process; each loader process makes its own.

    Attributes:
        config, parts: what is drawn.
        pictures: the user's pictures that serve as tables.
        seed: of all samples.
        count: how many there are.
    """

    config: DataConfig
    parts: tuple[Part, ...]
    pictures: tuple[Path, ...]
    seed: int
    count: int = ENDLESS

    @property
    def fingerprint(self) -> str:
        """sha256 over all that decides the samples."""
        document = {
            "config": self.config.model_dump(mode="json"),
            "parts": [(part.name, part.sha256) for part in self.parts],
            "pictures": [str(path) for path in self.pictures],
            "seed": self.seed,
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FreshSamples) and other.fingerprint == self.fingerprint

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        scene, look = draw_all(_context(self), self.seed, index)
        sample = render_scene(_context(self), scene, look).sample
        _, data = cv2.imencode(".jpg", sample.image, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality])
        return replace(sample, image=np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))


@dataclass(frozen=True, eq=False)
class Blend:
    """Two sources of samples, mixed by share; endless.

    Attributes:
        first, second: the sources.
        share: of the second, 0..1.
    """

    first: Samples
    second: Samples
    share: float

    def __post_init__(self) -> None:
        if not len(self.first) or not len(self.second):
            raise DatasetError("samples to mix: one of the two sources is empty; give it pictures")

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((0, index))
        source = self.second if rng.random() < self.share else self.first
        return source[int(rng.integers(len(source)))]


@lru_cache(maxsize=1)
def _context(samples: FreshSamples) -> RenderContext:
    return make_context(samples.config, samples.parts, samples.pictures)
