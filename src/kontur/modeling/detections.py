"""What a detector says about a picture: a struct of arrays that validates itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kontur.errors import DetectionError
from kontur.geometry import Part, PixelPose, Points
from kontur.pictures import Picture

UNKNOWN = -1
"""Part index of something that no part explains."""

Floats = NDArray[np.float64]


_COLUMNS = (
    ("part", np.dtype(np.int64), ()),
    ("score", np.dtype(np.float64), ()),
    ("matrix", np.dtype(np.float64), (3, 3)),
    ("flipped", np.dtype(np.bool_), ()),
    ("support", np.dtype(np.float64), ()),
    ("residual_px", np.dtype(np.float64), ()),
    ("covariance", np.dtype(np.float64), (4, 4)),
    ("layer", np.dtype(np.int64), ()),
)
"""Name, type and shape of one row of every array of Detections, in their order."""
_NAMES = tuple(name for name, _, _ in _COLUMNS)
_SIMILARITY = "_similarity"
"""What similarities are kept as, once they are known: those of rows chosen later are the same."""


@dataclass(frozen=True, eq=False)
class Detections:
    """N detections in one picture. Arrays are read-only.

    Attributes:
        size_wh: the picture's size, px.
        part: (N,) int64 index into the part list, UNKNOWN where none fits.
        score: (N,) float64 in [0, 1].
        matrix: (N, 3, 3) float64 homographies from the part's frame (mm, y up) to px (centres at integers, v down),
            scaled so that the last element is 1; the datum is at matrix[:, :2, 2]. A flipped part's mirror is in it.
        flipped: (N,) bool, seen from the back.
        support: (N,) float64 fraction of the visible contour that has an edge within tolerance.
        residual_px: (N,) float64 root mean square distance of those edges from the contour, px.
        covariance: (N, 4, 4) float64 of (u px, v px, angle rad, log scale).
        layer: (N,) int64 height in the pile: where two detections overlap, the higher one covers the other, and of the
            same layer neither covers.

    Support, residual and covariance are NaN where a detection was not registered on the picture.
    """

    size_wh: tuple[int, int]
    part: NDArray[np.int64]
    score: Floats
    matrix: Floats
    flipped: NDArray[np.bool_]
    support: Floats
    residual_px: Floats
    covariance: Floats
    layer: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.part)
        for name, kind, inner in _COLUMNS:
            value, shape = getattr(self, name), (count, *inner)
            if value.shape != shape or value.dtype != kind:
                raise DetectionError(f"{name}: expected {shape} {kind}, got {value.shape} {value.dtype}")
            value.flags.writeable = False
        if not ((self.score >= 0) & (self.score <= 1)).all():
            raise DetectionError("score: expected values in [0, 1]")
        if not np.isfinite(self.matrix).all():
            raise DetectionError("matrix: expected finite values")

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Detections":
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        elif index.dtype == np.bool_:
            index = np.flatnonzero(index)
        chosen = _made(self.size_wh, [getattr(self, name).take(index, 0) for name in _NAMES])
        if _SIMILARITY in self.__dict__:
            chosen.__dict__[_SIMILARITY] = tuple(values.take(index) for values in self.similarity)
        return chosen

    def scored(self, score: Floats) -> "Detections":
        """Return the same with other scores (N,), in [0, 1]: nothing is checked again."""
        return self._with("score", score)

    def layered(self, layer: NDArray[np.int64]) -> "Detections":
        """Return the same with other layers (N,): nothing is checked again."""
        return self._with("layer", layer)

    def _with(self, name: str, column: Floats | NDArray[np.int64]) -> "Detections":
        """Return the same with one other array, on which the similarities do not depend."""
        column.flags.writeable = False
        other = object.__new__(Detections)
        other.__dict__.update(self.__dict__)
        other.__dict__[name] = column
        return other

    @property
    def uv(self) -> Floats:
        """(N, 2) datum in px."""
        return self.matrix[:, :2, 2]

    @property
    def similarity(self) -> tuple[Floats, Floats]:
        """(N,) angle in rad, counter-clockwise, and (N,) scale in px/mm at the datum (see `Camera.pixel_pose`).

        Under tilt the picture of a part is sheared: the angle is the direction in which the drawing's x axis is seen, the
        scale that of the closest similarity.
        """
        known: tuple[Floats, Floats] | None = self.__dict__.get(_SIMILARITY)
        if known is None:
            known = self.__dict__[_SIMILARITY] = self._find_similarity()
        return known

    def _find_similarity(self) -> tuple[Floats, Floats]:
        linear = self.matrix[:, :2, :2] - self.matrix[:, :2, 2:] * self.matrix[:, 2:, :2]
        sign = np.where(self.flipped, -1.0, 1.0)
        a = (sign * linear[:, 0, 0] - linear[:, 1, 1]) / 2
        b = (linear[:, 0, 1] + sign * linear[:, 1, 0]) / 2
        return np.arctan2(-sign * linear[:, 1, 0], sign * linear[:, 0, 0]), np.hypot(a, b)

    def pose(self, index: int) -> PixelPose:
        """Return detection `index` as a similarity."""
        angle, scale = (values[index] for values in self.similarity)
        u, v = self.uv[index]
        return PixelPose(float(u), float(v), float(angle), float(scale), bool(self.flipped[index]))

    def project(self, index: int | NDArray[np.int64], points_mm: Points) -> Points:
        """Map (M, 2) mm of the part's frame to px by the homography of detection `index`, or of (M,) one for each."""
        matrix = self.matrix[index]
        mapped = np.einsum("...ij,...j->...i", matrix[..., :2], points_mm) + matrix[..., 2]
        return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def _made(size_wh: tuple[int, int], columns: Sequence[NDArray[np.generic]]) -> Detections:
    """Return detections of arrays that were taken from others, and need no check."""
    made = object.__new__(Detections)
    made.__dict__["size_wh"] = size_wh
    for name, values in zip(_NAMES, columns, strict=True):
        values.flags.writeable = False
        made.__dict__[name] = values
    return made


class Detector(Protocol):
    """Anything that finds parts in a picture."""

    @property
    def parts(self) -> Sequence[Part]:
        """The parts that it knows; Detections.part counts in this list."""
        ...

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture."""
        ...


def from_poses(
    size_wh: tuple[int, int], part: Sequence[int], score: Sequence[float], poses: Sequence[PixelPose]
) -> Detections:
    """Return unregistered detections from similarities."""
    columns = [(pose.u, pose.v, pose.angle_rad, pose.scale_px_per_mm) for pose in poses]
    u, v, angle, scale = np.array(columns, np.float64).reshape(-1, 4).T
    flipped = np.array([pose.flipped for pose in poses], bool)
    kinds, scores = np.asarray(part, np.int64), np.asarray(score, np.float64)
    return from_similarities(size_wh, kinds, scores, np.column_stack([u, v]), angle, scale, flipped)


def from_similarities(
    size_wh: tuple[int, int],
    part: NDArray[np.int64],
    score: Floats,
    uv: Floats,
    angle_rad: Floats,
    px_per_mm: Floats,
    flipped: NDArray[np.bool_],
) -> Detections:
    """Return unregistered detections from the data (N, 2), angles, scales and sides of similarities, see `PixelPose`."""
    along, across = px_per_mm * np.cos(angle_rad), px_per_mm * np.sin(angle_rad)
    side = np.where(flipped, -1.0, 1.0)
    matrix = np.zeros((len(part), 3, 3))
    matrix[:, 0, 0], matrix[:, 0, 1] = side * along, -across
    matrix[:, 1, 0], matrix[:, 1, 1] = -side * across, -along
    matrix[:, :2, 2], matrix[:, 2, 2] = uv, 1
    return unregistered(size_wh, part, score, matrix, flipped)


def unregistered(
    size_wh: tuple[int, int], part: NDArray[np.int64], score: Floats, matrix: Floats, flipped: NDArray[np.bool_]
) -> Detections:
    """Return detections whose support, residual and covariance are not known (NaN), all in one layer."""
    count = len(part)
    return Detections(
        size_wh, part, score, matrix, flipped,
        np.full(count, np.nan), np.full(count, np.nan), np.full((count, 4, 4), np.nan), np.zeros(count, np.int64),
    )  # fmt: skip


def concatenate(detections: Sequence[Detections]) -> Detections:
    """Join detections of the same picture.

    Raises:
        DetectionError: nothing to join, or the picture sizes differ.
    """
    if len({item.size_wh for item in detections}) != 1:
        raise DetectionError(f"expected detections of one picture, got sizes {[item.size_wh for item in detections]}")
    some = [item for item in detections if len(item)]
    if len(some) <= 1:
        return (some or detections)[0]
    return _made(detections[0].size_wh, [np.concatenate([getattr(item, name) for item in some]) for name in _NAMES])
