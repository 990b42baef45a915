"""Where a contour lies in the picture around it, read by a small learned filter.

The strongest change near a contour is often not the contour: side walls, contact shadows and cast shadows lie outside it,
bevels and highlights inside, and within a pixel or two of each other they melt into one. What they look like does not depend
on the part, only on light, lens and material, so a filter learned once from the generator's pictures serves all parts
(`tools/train_edge_reader.py`; the drawings it learned from are random shapes and the example drawings).

For each contour point it sees 12 px of the picture across the contour, how far the side wall would lean there, and, pooled
over the part, what the other points see and in which directions: a shadow falls to one side of everything. It answers with
the contour's offset, its standard deviation, and whether the contour can be seen there at all.

Where it fails: more than about 4 px from the contour it sees nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.edges import EdgePicture, Profiles, sample_profiles
from kontur.modeling.sampling import profile_features

Floats = NDArray[np.float32]

FIRST_PX, STEP_PX, SAMPLES = -6.0, 0.5, 25
FEATURES = SAMPLES + (SAMPLES - 2) + 5
LEAST_LOG_SIGMA, MOST_LOG_SIGMA = -4.5, 2.0
FEATURE_LIMIT = 6.0
CORNER_POOL_WEIGHT = 0.3
LEAST_CONTRAST = 1.8
"""Profiles whose greatest change, per channel, is less than this many times the noise say nothing."""
_CONTRAST_FEATURE = 2 * SAMPLES - 1
_WEIGHTS = "edge_reader.npz"
_GROUPS = (slice(0, 1), slice(1, 3), slice(3, 5))
"""Waves of one harmonic: they share weights, so that a part reads alike however it is turned."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read at the contour points of N instances.

    Attributes:
        offset_px: (N, M) where the contour is along the normal, away from the material.
        sigma_px: (N, M) standard deviation of that.
        visible: (N, M) 0..1 how likely the contour can be seen there.
    """

    offset_px: Floats
    sigma_px: Floats
    visible: Floats


def read_edges(
    source: EdgePicture, points_px: NDArray, normals_px: NDArray, pooling: NDArray, lean: NDArray
) -> Reading:
    """Read the offsets of contours.

    Args:
        source: the picture at full size.
        points_px: (N, M, 2) px.
        normals_px: (N, M, 2) unit, away from the material.
        pooling: (N, M) how much a point tells of its part: contour length, less near corners, 0 outside the picture.
        lean: (N, M) see `wall_lean`.
    """
    return read_profiles(source, profiles_to_read(source, points_px, normals_px), normals_px, pooling, lean)


def profiles_to_read(source: EdgePicture, points_px: NDArray, normals_px: NDArray) -> Profiles:
    """Sample the picture as far across contours as the reader looks."""
    return sample_profiles(source, points_px, normals_px, FIRST_PX, STEP_PX, SAMPLES)


def read_profiles(
    source: EdgePicture, sampled: Profiles, normals_px: NDArray, pooling: NDArray, lean: NDArray
) -> Reading:
    """Read the offsets of contours from sampled profiles (see `profiles_to_read`, `read_edges`)."""
    features = _features(source, sampled, lean)
    answer = _forward(_weights(), features, normals_px.astype(np.float32), pooling.astype(np.float32))
    log_sigma = np.clip(answer[..., 1], LEAST_LOG_SIGMA, MOST_LOG_SIGMA)
    visible = 1 / (1 + np.exp(-answer[..., 2]))
    return Reading(answer[..., 0], np.exp(log_sigma), np.where(_contrast(features) > LEAST_CONTRAST, visible, 0))


def _contrast(features: Floats) -> Floats:
    """Return (N, M) the greatest change along each profile over the picture's noise."""
    return np.asarray(np.exp(features[..., _CONTRAST_FEATURE]), np.float32)


def wall_lean(points_px: NDArray, normals_px: NDArray, nadir_uv: NDArray, focal_px: float) -> NDArray[np.float64]:
    """Return (N, M) px by which the foot of a wall lies outside its top edge, for a wall of 1 px height.

    Args:
        points_px, normals_px: (N, M, 2) contour points and their normals.
        nadir_uv: (2,) where a plumb line through the camera meets the plane, px.
        focal_px: focal length.
    """
    return np.asarray(((nadir_uv - points_px) * normals_px).sum(axis=2) / focal_px, np.float64)


def reading_features(source: EdgePicture, points_px: NDArray, normals_px: NDArray, lean: NDArray) -> Floats:
    """Return (N, M, FEATURES): the profile's grey levels and changes, normalised; its contrast, brightness, noise."""
    return _features(source, profiles_to_read(source, points_px, normals_px), lean)


def _features(source: EdgePicture, sampled: Profiles, lean: NDArray) -> Floats:
    features = np.empty((*sampled.values.shape[:2], FEATURES), np.float32)
    flat = features.reshape(-1, FEATURES)
    values = sampled.values.reshape(len(flat), SAMPLES, -1)
    profile_features(values, np.float32(source.noise), lean.ravel(), flat)
    return features


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    with (files("kontur.modeling") / _WEIGHTS).open("rb") as stream:
        return dict(np.load(stream, allow_pickle=False))


def _forward(weights: dict[str, Floats], features: Floats, normals: Floats, pooling: Floats) -> Floats:
    """Return (N, M, 3): offset, log sigma, logit of visibility.

    The layer `joined` sees each point beside what its part pools (see `_pooled`). What is pooled goes through that layer
    before it is spread over the points: there are few parts and many points.
    """
    scaled = features - weights["mean"]
    scaled /= weights["deviation"]
    np.clip(scaled, -FEATURE_LIMIT, FEATURE_LIMIT, out=scaled)
    hidden = _layer(weights, "point2", _layer(weights, "point1", scaled))
    own, *pooled = np.split(weights["joined.weight"].T, 4)
    waves, means = _pooled(hidden, normals, pooling)
    spread = np.concatenate([means[:, k] @ w for k, w in zip(_GROUPS, pooled, strict=True)], axis=1)  # (N, 5, out)
    last = _flat_product(hidden, own)
    last += waves @ spread
    last += weights["joined.bias"]
    return _flat_product(np.maximum(last, 0, out=last), weights["answer.weight"].T) + weights["answer.bias"]


def _layer(weights: dict[str, Floats], name: str, values: Floats) -> Floats:
    answer = _flat_product(values, weights[f"{name}.weight"].T)
    answer += weights[f"{name}.bias"]
    return np.asarray(np.maximum(answer, 0, out=answer), np.float32)


def _flat_product(values: Floats, weight: Floats) -> Floats:
    """Return values (N, M, in) @ weight (in, out) as one product of matrices: numpy would make N small ones."""
    flat = values.reshape(-1, values.shape[-1]) @ weight
    return np.asarray(flat.reshape(*values.shape[:-1], -1), np.float32)


def _pooled(hidden: Floats, normals: Floats, pooling: Floats) -> tuple[Floats, Floats]:
    """Return what points see of their part: waves (N, M, 5) over the normal's direction, and each one's mean (N, 5, hidden).

    The waves are the mean, and the first and second harmonic; see `_GROUPS`.
    """
    share = pooling / np.maximum(pooling.sum(axis=1, keepdims=True), 1e-6)
    x, y = normals[..., 0], normals[..., 1]
    waves = np.stack([np.ones_like(x), x, y, x * x - y * y, 2 * x * y], axis=2)
    return waves, (waves * share[..., None]).transpose(0, 2, 1) @ hidden
