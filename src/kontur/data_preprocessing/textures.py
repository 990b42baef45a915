"""Pools of tileable patterns, made once from fixed seeds: detail for surfaces, patterns for tables, noise for sensors."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.data_config import BackgroundKind
from kontur.data_preprocessing.kept import kept_array

DETAIL_SIZE = 512
"""Side of a detail texture, px; a power of two, so that a lookup wraps with one `and`."""
PATTERN_SIZE = 1024
GRAIN, SCRATCHES, GRUNGE, SPANGLE = range(4)
"""Bytes of a texel, lowest first."""
NOISE_LENGTH = 1 << 16
"""Numbers of the sensor's noise: few enough for a core's own cache."""
_POOL_SEED = 20_240
_SCRATCH_DEPTH, _STAIN_DEPTH = 0.4, 70.0
"""Of the most worn table: share of a scratch's own level; levels that a stain takes away."""
VARIANTS = 3
"""Patterns of each kind."""

Bytes = NDArray[np.uint8]


@cache
def texel_pool() -> NDArray[np.int32]:
    """Return (512 * 512,) int32 texels of four bytes each: white noise, scratches, blotches, crystal facets."""
    rng = np.random.default_rng(_POOL_SEED)
    size = DETAIL_SIZE
    grunge, grain = _levels(fractal(rng, size, 0.9)), _levels(_white(rng, size))
    layers = grain, _scratches(rng, size), grunge, _cells(rng, size, 500, facets=True)
    return np.stack(layers, axis=-1).view("<i4").ravel()


@cache
def streak_pool() -> Bytes:
    """Return (512 * 512,) uint8 streaks along x."""
    return _levels(_smooth(_white(np.random.default_rng(_POOL_SEED + 2), DETAIL_SIZE), 40, 0.7)).ravel()


@cache
def noise_pool() -> NDArray[np.float32]:
    """Return (NOISE_LENGTH,) float32 standard normal numbers."""
    return np.random.default_rng(_POOL_SEED + 1).standard_normal(NOISE_LENGTH, np.float32)


@cache
def endless_pattern(kind: str, variant: int) -> Bytes:
    """Return a `pattern` with its first row and column once more after the last, (1025, 1025), kept for all processes."""

    def make() -> Bytes:
        """Draw it."""
        return np.pad(pattern(kind, variant), ((0, 1), (0, 1)), mode="wrap")

    return kept_array(f"{kind}-{variant}", f"patterns-{_makers()}", make)


@cache
def _makers() -> str:
    """A word for all that decides patterns: this module and the libraries that it calls."""
    versions = repr((get_args(BackgroundKind), np.__version__, cv2.__version__))
    return hashlib.sha256(Path(__file__).read_bytes() + versions.encode()).hexdigest()[:16]


def pattern(kind: str, variant: int) -> Bytes:
    """Return the (1024, 1024) uint8 pattern of a kind of table, mean near 128; `variant` is below VARIANTS.

    Variant 0 is as new, the last one the most worn.
    """
    rng = np.random.default_rng([_POOL_SEED, get_args(BackgroundKind).index(kind), variant])
    return worn(_PATTERNS[kind](rng), rng, variant / (VARIANTS - 1))


def worn(levels: Bytes, rng: np.random.Generator, amount: float) -> Bytes:
    """Return a square tile with scratches, half of them bright, and dark stains with soft rims; `amount` 0..1."""
    if not amount:
        return levels
    size = levels.shape[0]
    scratches = _scratches(rng, size).astype(np.float32) - _scratches(rng, size)
    blotches = _smooth(fractal(rng, size, 1.0), 3, 3)
    stains = np.clip(blotches - 1.1, 0, 0.5) * 2
    change = amount * (_SCRATCH_DEPTH * scratches - _STAIN_DEPTH * stains)
    return np.clip(levels + change, 0, 255).astype(np.uint8)


def fractal(rng: np.random.Generator, size: int, exponent: float) -> NDArray[np.float32]:
    """Return (size, size) tileable noise whose amplitude falls with frequency to the power `exponent`."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    phase = (2 * np.pi * rng.random(frequency.shape)).astype(np.float32)
    spectrum = np.empty(frequency.shape, np.complex64)
    spectrum.real, spectrum.imag = np.cos(phase), np.sin(phase)
    spectrum *= frequency ** -(1 + exponent)
    spectrum[0, 0] = 0
    return np.asarray(np.fft.irfft2(spectrum, (size, size)), np.float32)


def _white(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    return rng.standard_normal((size, size), np.float32)


def _smooth(field: NDArray[np.float32], sigma_x: float, sigma_y: float) -> NDArray[np.float32]:
    """Gaussian blur of a tile that stays a tile, scaled to standard deviation 1; its time does not depend on the widths."""
    height, width = field.shape
    spectrum = np.fft.rfft2(field)
    spectrum *= _response(height, sigma_y)[:, None]
    spectrum *= _response(width, sigma_x)[: width // 2 + 1]
    blurred = np.asarray(np.fft.irfft2(spectrum, field.shape), np.float32)
    return blurred / max(1e-9, float(blurred.std()))


def _response(size: int, sigma: float) -> NDArray[np.float32]:
    """(size,) what OpenCV's Gaussian kernel leaves of each frequency of a line that goes on in a circle."""
    reach = round(8 * sigma + 1) // 2
    line = np.zeros(size)
    np.add.at(line, np.arange(-reach, reach + 1) % size, cv2.getGaussianKernel(2 * reach + 1, sigma).ravel())
    return np.fft.fft(line).real.astype(np.float32)


def _levels(field: NDArray[np.float32], spread: float = 45.0) -> Bytes:
    """Scale to mean 128 and the given standard deviation."""
    return np.clip(128 + (field - field.mean()) * (spread / max(1e-9, float(field.std()))), 0, 255).astype(np.uint8)


def _scratches(rng: np.random.Generator, size: int) -> Bytes:
    """Thin bright lines on black, wrapped around the border."""
    canvas = np.zeros((size * 2, size * 2), np.uint8)
    for _ in range(90):
        start = rng.uniform(0, size * 2, 2)
        turn, length = rng.uniform(0, np.pi), rng.gamma(2.0, 40.0)
        bend = rng.normal(0, 8, 2)
        end = start + length * np.array([np.cos(turn), np.sin(turn)])
        curve = np.stack([start, (start + end) / 2 + bend, end]).astype(np.float32)
        cv2.polylines(canvas, [(curve * 8).astype(np.int32)], False, int(rng.integers(60, 255)), 1, cv2.LINE_AA, 3)
    return canvas.reshape(2, size, 2, size).max(axis=(0, 2))


def _cells(rng: np.random.Generator, size: int, count: int, facets: bool = False) -> Bytes:
    """Voronoi cells, tileable: one grey each, or dark towards their rims."""
    seeds = rng.integers(0, size, (count, 2))
    mask = np.full((3 * size, 3 * size), 255, np.uint8)
    tiles = (seeds[None] + size * np.indices((3, 3)).reshape(2, 9).T[:, None]).reshape(-1, 2)
    mask[tiles[:, 1], tiles[:, 0]] = 0
    distance, labels = cv2.distanceTransformWithLabels(mask, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    middle = slice(size, 2 * size)
    if not facets:
        return _levels(-distance[middle, middle])
    owner = np.zeros(labels.max() + 1, np.int64)
    owner[labels[tiles[:, 1], tiles[:, 0]]] = np.tile(np.arange(count), 9)
    return rng.integers(40, 216, count, dtype=np.uint8)[owner[labels[middle, middle]]]


def _grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[0:PATTERN_SIZE, 0:PATTERN_SIZE].astype(np.float32) / PATTERN_SIZE
    return x, y


def _plain(_rng: np.random.Generator) -> Bytes:
    return np.full((PATTERN_SIZE, PATTERN_SIZE), 128, np.uint8)


def _noise(rng: np.random.Generator) -> Bytes:
    return _levels(fractal(rng, PATTERN_SIZE, rng.uniform(0.2, 1.2)))


def _stripes(rng: np.random.Generator) -> Bytes:
    x, _ = _grid()
    waves = _smooth(fractal(rng, PATTERN_SIZE, 1.5), 2, 2) * rng.uniform(0, 0.012)
    return _levels(np.sin(2 * np.pi * rng.integers(16, 70) * (x + waves)))


def _checker(rng: np.random.Generator) -> Bytes:
    x, y = _grid()
    n = int(rng.integers(8, 28)) * 2
    return _levels(((x * n).astype(int) + (y * n).astype(int)) % 2 + 0.1 * _white(rng, PATTERN_SIZE))


def _bricks(rng: np.random.Generator) -> Bytes:
    x, y = _grid()
    rows = int(rng.integers(12, 32)) * 2
    row = np.floor(y * rows)
    across = x * rows / 2 + 0.5 * (row % 2)
    joint = np.minimum((y * rows) % 1, 2 * (across % 1)) < 0.12
    tone = rng.random((rows, rows // 2 + 1)).astype(np.float32)[row.astype(int), across.astype(int) % (rows // 2)]
    return _levels(np.where(joint, -1.5, 0.5 * tone) + 0.1 * _white(rng, PATTERN_SIZE))


def _cell_pattern(rng: np.random.Generator) -> Bytes:
    return cv2.resize(_cells(rng, PATTERN_SIZE // 2, int(rng.integers(200, 900))), (PATTERN_SIZE, PATTERN_SIZE))


def _wood(rng: np.random.Generator) -> Bytes:
    _, y = _grid()
    warp = _smooth(fractal(rng, PATTERN_SIZE, 1.0), 60, 3)
    rings = np.sin(2 * np.pi * (rng.integers(6, 18) * y + 1.2 * warp))
    fibre = _smooth(_white(rng, PATTERN_SIZE), 25, 0.6)
    return _levels(np.abs(rings) ** 0.6 + 0.45 * fibre)


def _cardboard(rng: np.random.Generator) -> Bytes:
    _, y = _grid()
    ribs = np.sin(2 * np.pi * int(rng.integers(60, 130)) * y)
    return _levels(0.25 * ribs + _smooth(_white(rng, PATTERN_SIZE), 4, 1), 30)


def _concrete(rng: np.random.Generator) -> Bytes:
    blotches = _smooth(fractal(rng, PATTERN_SIZE, 0.7), 0.5, 0.5)
    specks = _white(rng, PATTERN_SIZE)
    pores = cv2.GaussianBlur((rng.random((PATTERN_SIZE, PATTERN_SIZE)) < 0.0015).astype(np.float32), (0, 0), 1.6)
    return _levels(blotches + 0.6 * specks - 25 * pores, 40)


def _brushed(rng: np.random.Generator) -> Bytes:
    fine = _smooth(_white(rng, PATTERN_SIZE), 60, 0.6)
    return _levels(fine + 0.5 * _smooth(fractal(rng, PATTERN_SIZE, 1.4), 1, 1))


def _felt(rng: np.random.Generator) -> Bytes:
    sigma = rng.uniform(0.6, 1.6)
    return _levels(_smooth(_white(rng, PATTERN_SIZE), sigma, sigma))


def _grid_mat(rng: np.random.Generator) -> Bytes:
    canvas = np.full((PATTERN_SIZE, PATTERN_SIZE), 100, np.uint8)
    for step, tone in ((PATTERN_SIZE // 64, 120), (PATTERN_SIZE // 8, 220)):
        for at in range(0, PATTERN_SIZE, step):
            canvas[at : at + 1 + (tone > 200)] = tone
            canvas[:, at : at + 1 + (tone > 200)] = tone
    for _ in range(12):
        x, y = (int(v) for v in rng.integers(0, PATTERN_SIZE, 2))
        cv2.putText(canvas, str(rng.integers(0, 300)), (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 220, 1, cv2.LINE_AA)
    return canvas


def _conveyor(rng: np.random.Generator) -> Bytes:
    x, y = _grid()
    n = int(rng.integers(40, 110))
    weave = np.sin(2 * np.pi * n * (x + y)) * np.sin(2 * np.pi * n * (x - y))
    if rng.random() < 0.5:
        weave = np.abs(np.sin(np.pi * n * x))
    wear = _smooth(_white(rng, PATTERN_SIZE), 2, 50)
    return _levels(weave + 0.8 * wear + 0.5 * _white(rng, PATTERN_SIZE), 30)


def _clutter(rng: np.random.Generator) -> Bytes:
    """Overlapping flat polygons, bars and discs: edges where no part is."""
    canvas = np.full((PATTERN_SIZE, PATTERN_SIZE), 128, np.uint8)
    for _ in range(70):
        middle = rng.uniform(0, PATTERN_SIZE, 2)
        count = int(rng.integers(3, 9))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        radius = rng.uniform(20, 130) * rng.uniform(0.4, 1, count)
        points = middle + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        cv2.fillPoly(canvas, [points.astype(np.int32)], int(rng.integers(20, 236)), cv2.LINE_AA)
    for _ in range(40):
        a, b = rng.uniform(0, PATTERN_SIZE, 2).astype(int), rng.uniform(0, PATTERN_SIZE, 2).astype(int)
        cv2.line(canvas, a.tolist(), b.tolist(), int(rng.integers(20, 236)), int(rng.integers(1, 9)), cv2.LINE_AA)
    return np.clip(canvas + 8 * _white(rng, PATTERN_SIZE), 0, 255).astype(np.uint8)


_PATTERNS: dict[str, Callable[[np.random.Generator], Bytes]] = {
    "plain": _plain, "noise": _noise, "stripes": _stripes, "checker": _checker, "bricks": _bricks,
    "cells": _cell_pattern, "wood": _wood, "cardboard": _cardboard, "concrete": _concrete, "brushed": _brushed,
    "felt": _felt, "grid_mat": _grid_mat, "conveyor": _conveyor, "clutter": _clutter,
}  # fmt: skip
