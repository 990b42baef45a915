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

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.modeling.edges import Contours, Crossing, EdgePicture, crossing
from kontur.modeling.parallel import in_threads, pieces
from kontur.modeling.profiles import read_along
from kontur.modeling.reader_answer import answer_parts

Floats = NDArray[np.float32]

FIRST_PX, STEP_PX, SAMPLES = -6.0, 0.5, 25
FEATURES = SAMPLES + (SAMPLES - 2) + 5
FEATURE_LIMIT = 6.0
LEAST_CLEAR = np.float32(np.log(1.8))
"""Profiles whose greatest change, per channel, is less than 1.8 times the noise say nothing."""
_WEIGHTS = "edge_reader.npz"
_NOTHING_NEAR = np.inf, 1.0
"""Least strength and greatest distance of edges where nobody asks for any."""
_LEAST_SHARED = 6
"""Threads share out no fewer contours than these."""


Reading = Floats
"""What is read at L points, (L, 3): offset of the contour along the normal, away from the material, px; its standard
deviation, px; and 0..1 how likely the contour can be seen there."""


Scaling = tuple[Floats, Floats, np.float32]
"""Mean of the features, one over their deviation, limit."""
Seeing = tuple[Crossing, tuple[float, float], tuple[np.float32, float, float, float, int]]


class Viewpoint(NamedTuple):
    """Where the camera is over the plane: which way side walls show.

    The foot of a wall of 1 px height lies (nadir - point) . normal / focal px outside its top edge.

    Attributes:
        nadir_u, nadir_v: where a plumb line through the camera meets the plane, px.
        focal_px: focal length.
    """

    nadir_u: float
    nadir_v: float
    focal_px: float


def read_edges(source: EdgePicture, contours: Contours, pooling: NDArray, view: Viewpoint) -> Reading:
    """Read the offsets of contours.

    Args:
        source: the picture at full size.
        contours: points, normals (away from the material) and weights; the L points without weight are not read.
        pooling: (N, M) how much a point tells of its part: contour length, less near corners.
        view: where the camera is.
    """
    source.smooth_across(contours, reading_line(source))
    ends = np.cumsum(np.count_nonzero(contours[2] > 0, axis=1))
    answer = np.empty((int(ends[-1]) if len(ends) else 0, 3), np.float32)
    seen = seeing(source, view, _NOTHING_NEAR)

    def work(rows: slice) -> None:
        """Read some of the contours."""
        lines = slice(int(ends[rows.start - 1]) if rows.start else 0, int(ends[rows.stop - 1]))
        some = contours[0][rows], contours[1][rows], contours[2][rows]
        features, clear = _features(source, some, seen, scaling())
        hidden, own = point_layers(features)
        answer_parts(some[1:], pooling[rows], hidden, own, answer_layers(), answer[lines])
        answer[lines, 2] *= clear > LEAST_CLEAR

    in_threads(work, pieces(len(ends), _LEAST_SHARED) if len(ends) else [])
    return answer


def reading_line(source: EdgePicture) -> Crossing:
    """Return how the reader crosses contours."""
    return Crossing(FIRST_PX, STEP_PX, SAMPLES, *crossing(source, 1.0, STEP_PX)[3:])


def seeing(source: EdgePicture, view: Viewpoint, limits: tuple[float, float]) -> Seeing:
    """Return what `profiles.read_along` takes: how contours are crossed, limits of the edges near them, what is seen."""
    skipped = (SAMPLES - crossing(source, limits[1], STEP_PX).samples) // 2
    return reading_line(source), limits, (np.float32(source.noise), *view, skipped)


def reading_features(source: EdgePicture, contours: Contours, view: Viewpoint) -> Floats:
    """Return (L, FEATURES): the profile's grey levels and changes, normalised; its contrast, brightness, noise."""
    source.smooth_across(contours, reading_line(source))
    as_they_are = np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), np.float32(np.finfo(np.float32).max)
    return _features(source, contours, seeing(source, view, _NOTHING_NEAR), as_they_are)[0]


def _features(source: EdgePicture, contours: Contours, seen: Seeing, scaled: Scaling) -> tuple[Floats, Floats]:
    """Return the features (L, FEATURES), scaled, and the log (L,) of the greatest change over the noise."""
    count, shape = np.count_nonzero(contours[2] > 0), (*contours[2].shape, 1)
    features, clear = np.empty((count, FEATURES), np.float32), np.empty(count, np.float32)
    read_along(source.pixels, contours, *seen, scaled, features, clear, np.empty(shape), np.empty(shape))
    return features, clear


def point_layers(features: Floats) -> tuple[Floats, Floats]:
    """Return what points (L, FEATURES) tell: (L, H) to their parts, and (L, J) their own share of the layer `joined`."""
    weights = _weights()
    hidden = _layer(weights, "point2", _layer(weights, "point1", features))
    return hidden, hidden @ weights["own"]


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    """Return the layers' weights, (in, out) and contiguous, and `joined` split: `own` for the point's own features."""
    with (files("kontur.modeling") / _WEIGHTS).open("rb") as stream:
        weights = dict(np.load(stream, allow_pickle=False))
    turned = {name: np.ascontiguousarray(value.T) for name, value in weights.items()}
    own, *pooled = (np.ascontiguousarray(part) for part in np.split(turned["joined.weight"], 4))
    return turned | {"own": own, "pooled": np.stack(pooled), "answer": weights["answer.weight"]}


def scaling() -> Scaling:
    """Return how features are scaled."""
    weights = _weights()
    return weights["mean"], np.float32(1) / weights["deviation"], np.float32(FEATURE_LIMIT)


def answer_layers() -> tuple[Floats, ...]:
    """Return the last layers as `reader_answer.answer_parts` takes them."""
    weights = _weights()
    return weights["pooled"], weights["joined.bias"], weights["answer"], weights["answer.bias"]


def _layer(weights: dict[str, Floats], name: str, values: Floats) -> Floats:
    answer = values @ weights[f"{name}.weight"]
    answer += weights[f"{name}.bias"]
    return np.asarray(np.maximum(answer, 0, out=answer), np.float32)
