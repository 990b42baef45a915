"""The network as a detector: ONNX Runtime proposes, the drawing decides. No torch here.

Other proposers may propose beside it (the matcher, with `--engine both`): all hypotheses are registered alike and go into
one decision, so that the matcher verifies what the network found and finds what it missed.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kontur.config import load_config
from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import ModelError, reason
from kontur.geometry import Part
from kontur.hardware.threads import available_cpus
from kontur.modeling.appearance import Answer, features_of
from kontur.modeling.calibration import Calibration
from kontur.modeling.coarse_pose import align
from kontur.modeling.decide import decide
from kontur.modeling.detections import Detections, Detector, concatenate, unregistered
from kontur.modeling.heads import MULTIPLE
from kontur.modeling.model_info import ModelInfo, check_parts, info_from_dict
from kontur.modeling.pile import stack_layers
from kontur.modeling.proposals import ProposalOptions, propose
from kontur.modeling.refine import register
from kontur.modeling.shape_matching import load_matcher
from kontur.modeling.train_config import DetectionConfig, TrainConfig
from kontur.pictures import Picture
from kontur.workspace import Workspace

INFO_KEY = "kontur"
"""Where the exported network keeps its model's description."""
_PAD_GREY = 114
_SCALE_SLACK = 1.02
"""Pictures whose scale lies within the trained range, widened by this factor, are not resized."""


Engine = Literal["network", "match", "both"]
"""Who proposes: the trained network, the matcher, or both together."""


class Proposer(Protocol):
    """Anything that offers registered hypotheses: several parts, angles and sides for a place, yet to be decided."""

    @property
    def parts(self) -> Sequence[Part]:
        """The parts that its hypotheses count in."""
        ...

    def candidates(self, picture: Picture) -> Detections:
        """Return hypotheses in an (H, W, 3) uint8 BGR picture."""
        ...


class Proposal(NamedTuple):
    """What the network says about a picture: hypotheses, the place each belongs to, and its raw answer."""

    hypotheses: Detections
    places: NDArray[np.int64]
    answer: Answer


class NetworkDetector:
    """A trained network behind the Detector protocol.

    Attributes:
        parts: in the order of the model's class channels.
        info: the model's description.
    """

    def __init__(
        self,
        path: Path,
        parts: Sequence[Part],
        config: DetectionConfig,
        mm_per_px: tuple[float, float] | None = None,
        others: Sequence[Proposer] = (),
    ) -> None:
        """Load an exported network.

        Args:
            path: models/checkpoint.onnx.
            parts: the drawings' parts, in any order; they must be those that the model was trained for.
            config: thresholds.
            mm_per_px: scale range of the pictures to come; None for the range trained for.
            others: who proposes beside the network.

        Raises:
            ModelError: missing or damaged file, or other parts.
        """
        self._session = _open_session(path)
        self.info = read_info(self._session, path)
        check_parts(self.info, parts, str(path))
        by_name = {part.name: part for part in parts}
        self.parts: tuple[Part, ...] = tuple(by_name[part.name] for part in self.info.parts)
        self._config = config
        self._others = tuple(others)
        self._calibration = Calibration(**self.info.calibration) if self.info.calibration else None
        low, high = mm_per_px or self.info.mm_per_px
        self._px_per_mm = (1 / high, 1 / low)
        self._zoom = _zoom(self.info.mm_per_px, mm_per_px)
        self._options = ProposalOptions(
            config.foreground_threshold, config.hypotheses, self.info.faces, self.info.nominal_px_per_mm
        )

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture: propose, then decide; best first."""
        return self.decide(picture, *self.propose(picture))

    def propose(self, picture: Picture) -> Proposal:
        """Return the network's unregistered hypotheses and its answer: the network's share of the work."""
        size_wh = (picture.shape[1], picture.shape[0])
        seen = picture
        if self._zoom != 1:
            seen = cv2.resize(picture, None, fx=self._zoom, fy=self._zoom, interpolation=cv2.INTER_AREA)
        output = self._session.run(None, {"picture": as_input(seen)})[0][0]
        zoom_xy = seen.shape[1] / size_wh[0], seen.shape[0] / size_wh[1]
        found, places = propose(output, (seen.shape[1], seen.shape[0]), self.info.parts, self._options)
        return Proposal(_unzoomed(found, zoom_xy, size_wh), places, Answer(output, zoom_xy))

    def decide(self, picture: Picture, hypotheses: Detections, places: NDArray[np.int64], answer: Answer) -> Detections:
        """Register hypotheses, choose among them and score what remains: the drawing's share of the work."""
        decided = self.accepted(picture, hypotheses, places)
        if self._calibration is not None and len(decided):
            score = self._calibration.probability(features_of(decided, self.parts, answer))
            decided = replace(decided, score=score)[np.argsort(-score, kind="stable")]
        return decided[decided.score >= self._config.score_threshold]

    def accepted(self, picture: Picture, hypotheses: Detections, places: NDArray[np.int64]) -> Detections:
        """Return all that the drawing accepts, scored by its evidence alone, in its order in the pile."""
        aligned = align(picture, hypotheses, places, self.parts, self._px_per_mm)
        offered = [register(picture, aligned, self.parts)]
        offered += [_renumbered(other.candidates(picture), other.parts, self.parts) for other in self._others]
        return stack_layers(picture, decide(picture, concatenate(offered), self.parts), self.parts)


def load_detector(
    workspace: Workspace, mm_per_px: tuple[float, float] | None = None, engine: Engine = "network"
) -> Detector:
    """Return a detector of a workspace's models, drawings and configuration.

    Args:
        workspace: with models/checkpoint.onnx (unless `engine` is "match").
        mm_per_px: scale range of the pictures to come; None for the range trained for, or configured.
        engine: who proposes.

    Raises:
        ConfigError, DrawingError, ModelError: what is missing or does not fit.
    """
    if engine == "match":
        return load_matcher(workspace, mm_per_px)
    config = load_config(workspace.train_config, TrainConfig)
    _, parts, _ = open_parts(workspace)
    others = [load_matcher(workspace, mm_per_px)] if engine == "both" else []
    return NetworkDetector(workspace.onnx, parts, config.detection, mm_per_px, others)


def as_input(picture: Picture) -> NDArray[np.float32]:
    """Pad to the network's multiple with grey and return (1, 3, H, W) float32 in 0..255."""
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(
        picture, 0, -height % MULTIPLE, 0, -width % MULTIPLE, cv2.BORDER_CONSTANT, value=[_PAD_GREY] * 3
    )
    return np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32)


def read_info(session: onnxruntime.InferenceSession, path: Path) -> ModelInfo:
    """Return the description inside an exported network.

    Raises:
        ModelError: the file was not written by kontur.
    """
    text = session.get_modelmeta().custom_metadata_map.get(INFO_KEY)
    if text is None:
        raise ModelError(f"{path}: not exported by kontur; run `kontur export`")
    return info_from_dict(json.loads(text), str(path))


def _open_session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelError(f"{path}: no exported network there; run `kontur train`, then `kontur export`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cpus()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: not a readable network ({reason(error)}); export again") from error


def _renumbered(found: Detections, theirs: Sequence[Part], ours: Sequence[Part]) -> Detections:
    """Return detections that count parts in another list of the same names."""
    place = {part.name: index for index, part in enumerate(ours)}
    return replace(found, part=np.array([place[part.name] for part in theirs], np.int64)[found.part])


def _zoom(trained: tuple[float, float], given: tuple[float, float] | None) -> float:
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
