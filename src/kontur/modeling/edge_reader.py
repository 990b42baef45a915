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
CORNER_POOL_WEIGHT = 0.3
LEAST_CONTRAST = 1.8
"""Profiles whose greatest change, per channel, is less than this many times the noise say nothing."""
_WEIGHTS = "edge_reader.npz"
_LEAST_SHARED = 6
"""Threads share out no fewer contours than these."""


Reading = Floats
"""What is read at L points, (L, 3): offset of the contour along the normal, away from the material, px; its standard
deviation, px; and 0..1 how likely the contour can be seen there."""


Scaling = tuple[Floats, Floats, np.float32]
"""Mean of the features, one over their deviation, limit."""


class Near(NamedTuple):
    """What receives the edges near contours.

    Attributes:
        range_px: how far edges are looked for.
        least_strength: of an edge, grey levels per px.
        offset_px, strength: (N, M, P), written, see `profiles.edges_along`.
    """

    range_px: float
    least_strength: float
    offset_px: NDArray[np.float64]
    strength: NDArray[np.float64]


def _nothing_near(contours: Contours) -> Near:
    shape = (*contours[2].shape, 1)
    return Near(1.0, np.inf, np.empty(shape), np.empty(shape))


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


def read_edges(
    source: EdgePicture, contours: Contours, pooling: NDArray, view: Viewpoint, near: Near | None = None
) -> Reading:
    """Read the offsets of contours.

    Args:
        source: the picture at full size.
        contours: points, normals (away from the material) and weights; the L points without weight are not read.
        pooling: (N, M) how much a point tells of its part: contour length, less near corners.
        view: where the camera is.
        near: what receives the edges near the contours on the way: most distance and least strength, offsets and strengths.
    """
    source.smooth_across(contours, _line(source))
    near = near or _nothing_near(contours)
    ends = np.cumsum(np.count_nonzero(contours[2] > 0, axis=1))
    answer = np.empty((int(ends[-1]) if len(ends) else 0, 3), np.float32)

    def work(rows: slice) -> None:
        """Read some of the contours."""
        some = contours[0][rows], contours[1][rows], contours[2][rows]
        beside = Near(near.range_px, near.least_strength, near.offset_px[rows], near.strength[rows])
        lines = slice(int(ends[rows.start - 1]) if rows.start else 0, int(ends[rows.stop - 1]))
        _read(source, some, pooling[rows], view, beside, answer[lines])

    in_threads(work, pieces(len(ends), _LEAST_SHARED) if len(ends) else [])
    return answer


def _read(
    source: EdgePicture, contours: Contours, pooling: NDArray, view: Viewpoint, near: Near, answer: Reading
) -> None:
    """Write what is read at contours; see `read_edges`."""
    features, clear = _features(source, contours, view, _scaling(), near)
    weights = _weights()
    hidden = _layer(weights, "point2", _layer(weights, "point1", features))
    answer_parts(contours[1:], pooling, hidden, hidden @ weights["own"], _answer_layers(), answer)
    answer[:, 2] *= clear > np.log(LEAST_CONTRAST)


def _features(
    source: EdgePicture, contours: Contours, view: Viewpoint, scaling: Scaling, near: Near
) -> tuple[Floats, Floats]:
    """Return the features (L, FEATURES), scaled, and the log (L,) of the greatest change over the noise."""
    line = _line(source)
    skipped = (SAMPLES - crossing(source, near.range_px, STEP_PX).samples) // 2
    count = np.count_nonzero(contours[2] > 0)
    features, clear = np.empty((count, FEATURES), np.float32), np.empty(count, np.float32)
    seen, limits = (np.float32(source.noise), *view, skipped), (near.least_strength, near.range_px)
    read_along(source.pixels, contours, line, limits, seen, scaling, features, clear, near.offset_px, near.strength)
    return features, clear


def _line(source: EdgePicture) -> Crossing:
    """Return how the reader crosses contours."""
    return Crossing(FIRST_PX, STEP_PX, SAMPLES, *crossing(source, 1.0, STEP_PX)[3:])


def reading_features(source: EdgePicture, contours: Contours, view: Viewpoint) -> Floats:
    """Return (L, FEATURES): the profile's grey levels and changes, normalised; its contrast, brightness, noise."""
    source.smooth_across(contours, _line(source))
    as_they_are = np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), np.float32(np.finfo(np.float32).max)
    return _features(source, contours, view, as_they_are, _nothing_near(contours))[0]


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    """Return the layers' weights, (in, out) and contiguous, and `joined` split: `own` for the point's own features."""
    with (files("kontur.modeling") / _WEIGHTS).open("rb") as stream:
        weights = dict(np.load(stream, allow_pickle=False))
    turned = {name: np.ascontiguousarray(value.T) for name, value in weights.items()}
    own, *pooled = (np.ascontiguousarray(part) for part in np.split(turned["joined.weight"], 4))
    return turned | {"own": own, "pooled": np.stack(pooled)}


def _scaling() -> Scaling:
    weights = _weights()
    return weights["mean"], np.float32(1) / weights["deviation"], np.float32(FEATURE_LIMIT)


def _answer_layers() -> tuple[Floats, ...]:
    weights = _weights()
    return weights["pooled"], weights["joined.bias"], weights["answer.weight"], weights["answer.bias"]


def _layer(weights: dict[str, Floats], name: str, values: Floats) -> Floats:
    answer = values @ weights[f"{name}.weight"]
    answer += weights[f"{name}.bias"]
    return np.asarray(np.maximum(answer, 0, out=answer), np.float32)
