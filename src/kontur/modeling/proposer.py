"""The network as a proposer: a picture goes through a runtime, its answer becomes hypotheses."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.hardware.threads import thread_count
from kontur.modeling.appearance import Answer
from kontur.modeling.detections import Detections, unregistered
from kontur.modeling.heads import MULTIPLE
from kontur.modeling.model_files import read_model_file
from kontur.modeling.proposals import CLOSE, WIDE, Gathering, Proposal, ProposalOptions, propose
from kontur.modeling.runtimes import Bytes, RuntimeChoice, open_runtime
from kontur.modeling.train_config import DetectionConfig
from kontur.modeling.uncovered import uncovered
from kontur.pictures import Picture

_PAD_GREY = 114
_SCALE_SLACK = 1.02
"""Pictures whose scale lies within the trained range, widened by this factor, are not resized."""

Scales = tuple[float, float]


class NetworkProposer:
    """A network in a runtime.

    Attributes:
        info: the model's description.
        choice: the runtime, and the threads it was given.
        mm_per_px: the scales of the pictures to come.
    """

    def __init__(
        self, path: Path, config: DetectionConfig, choice: RuntimeChoice | None = None, mm_per_px: Scales | None = None
    ) -> None:
        """Load a network.

        Args:
            path: a file that the runtime reads, as models/checkpoint.onnx.
            config: thresholds.
            choice: None for the default runtime.
            mm_per_px: scale range of the pictures to come; None for the range trained for.

        Raises:
            ModelError: missing or damaged file.
        """
        choice = choice or RuntimeChoice()
        threads = min(choice.threads, thread_count()) or thread_count()
        self.choice = RuntimeChoice(choice.runtime, choice.precision, threads)
        self._runtime = open_runtime(path, self.choice)
        self.info = read_model_file(path).info
        self.mm_per_px = mm_per_px or self.info.mm_per_px
        self._zoom = _zoom(self.info.mm_per_px, mm_per_px)
        self._options = ProposalOptions(
            config.foreground_threshold, config.hypotheses, self.info.faces, self.info.nominal_px_per_mm
        )

    def __call__(self, picture: Picture, alike: NDArray[np.bool_] | None = None) -> Proposal:
        """Return what the network says about an (H, W, 3) uint8 BGR picture.

        Of parts that are `alike` (see `proposals.propose`) one is proposed.
        """
        seen = picture
        if self._zoom != 1:
            seen = cv2.resize(picture, None, fx=self._zoom, fy=self._zoom, interpolation=cv2.INTER_AREA)
        output = self._runtime(as_input(seen))[0]
        zoom_xy = seen.shape[1] / picture.shape[1], seen.shape[0] / picture.shape[0]
        return self._proposed(Answer(output, zoom_xy), (picture.shape[1], picture.shape[0]), alike, CLOSE)

    def of_what_is_left(
        self, answer: Answer, found: Detections, parts: Sequence[Part], alike: NDArray[np.bool_]
    ) -> Proposal:
        """Return what the network says of those cells that it takes for parts and that no detection explains."""
        left = uncovered(answer, found, parts)
        return self._proposed(left, found.size_wh, alike, WIDE)

    def _proposed(
        self, answer: Answer, size_wh: tuple[int, int], alike: NDArray[np.bool_] | None, gathering: Gathering
    ) -> Proposal:
        x, y = answer.zoom_xy
        seen_wh = round(size_wh[0] * x), round(size_wh[1] * y)
        said = propose(answer.output, seen_wh, self.info.parts, self._options, alike, gathering)
        return said._replace(hypotheses=_unzoomed(said.hypotheses, answer.zoom_xy, size_wh), answer=answer)


def as_input(picture: Picture) -> Bytes:
    """Return (1, H, W, 3), padded to the network's multiple with grey; the picture itself where that needs nothing."""
    height, width = picture.shape[:2]
    below, beside = -height % MULTIPLE, -width % MULTIPLE
    if below or beside:
        picture = cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=[_PAD_GREY] * 3)
    return picture[None]


def _zoom(trained: Scales, given: Scales | None) -> float:
    """Return the factor that brings pictures of the given scale range to the scale trained for."""
    if given is None or (given[0] * _SCALE_SLACK >= trained[0] and given[1] <= trained[1] * _SCALE_SLACK):
        return 1.0
    return float(np.sqrt(given[0] * given[1] / (trained[0] * trained[1])))


def _unzoomed(found: Detections, zoom_xy: tuple[float, float], size_wh: tuple[int, int]) -> Detections:
    """Map detections of a resized picture back; OpenCV's resize keeps the picture's corners, at -0.5."""
    if zoom_xy == (1.0, 1.0):
        return found
    x, y = zoom_xy
    back = np.array([[1 / x, 0, 0.5 / x - 0.5], [0, 1 / y, 0.5 / y - 0.5], [0, 0, 1]])
    return unregistered(size_wh, found.part.copy(), found.score.copy(), back @ found.matrix, found.flipped.copy())
