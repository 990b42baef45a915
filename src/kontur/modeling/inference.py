"""The network as a detector: the network proposes, the drawing decides. No torch here, unless it is to run the network.

Other proposers may propose beside it (the matcher, with `--engine both`): all hypotheses are registered alike and go into
one decision, so that the matcher verifies what the network found and finds what it missed.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from kontur.config import load_config
from kontur.data_preprocessing.known_parts import open_known_parts
from kontur.geometry import Part
from kontur.hardware.threads import use_threads
from kontur.modeling.appearance import Answer, features_of
from kontur.modeling.calibration import Calibration
from kontur.modeling.detections import Detections, Detector
from kontur.modeling.inquiry import inquire, relations_of
from kontur.modeling.looks import look_until_decided
from kontur.modeling.model_files import find_model
from kontur.modeling.model_info import check_parts
from kontur.modeling.proposals import Proposal
from kontur.modeling.proposer import NetworkProposer, Scales
from kontur.modeling.runtime_choice import choose_runtime
from kontur.modeling.runtimes import RuntimeChoice
from kontur.modeling.shape_matching import load_matcher, matcher_of
from kontur.modeling.train_config import DetectionConfig, TrainConfig
from kontur.modeling.views import Views
from kontur.pictures import Picture
from kontur.workspace import Workspace

Engine = Literal["network", "match", "both"]
"""Who proposes: the trained network, the matcher, or both together."""


class Proposer(Protocol):
    """Anything that offers registered hypotheses: several parts, angles and sides for a place, yet to be decided."""

    @property
    def parts(self) -> Sequence[Part]:
        """The parts that its hypotheses count in."""
        ...

    def candidates(self, picture: Picture | Views) -> Detections:
        """Return hypotheses in an (H, W, 3) uint8 BGR picture, or its views."""
        ...


class NetworkDetector:
    """A trained network behind the Detector protocol. It may be used by several threads at once.

    Attributes:
        parts: in the order of the model's class channels.
        info: the model's description.
        choice: what runs the network, and its threads.
        px_per_mm: scales at which parts are sought.
    """

    def __init__(
        self,
        path: Path,
        parts: Sequence[Part],
        config: DetectionConfig,
        mm_per_px: Scales | None = None,
        others: Iterable[Proposer] = (),
        choice: RuntimeChoice | None = None,
    ) -> None:
        """Load an exported network.

        Args:
            path: a file that the runtime reads, as models/checkpoint.onnx.
            parts: the drawings' parts, in any order; they must be those that the model was trained for.
            config: thresholds.
            mm_per_px: scale range of the pictures to come; None for the range trained for.
            others: who proposes beside the network; asked for last, so that they may be loaded meanwhile.
            choice: what runs the network; None for the default.

        Raises:
            ModelError: missing or damaged file, or other parts.
        """
        self._proposer = NetworkProposer(path, config, choice, mm_per_px)
        self.info, self.choice = self._proposer.info, self._proposer.choice
        check_parts(self.info, parts, str(path))
        by_name = {part.name: part for part in parts}
        self.parts: tuple[Part, ...] = tuple(by_name[part.name] for part in self.info.parts)
        self._relations = relations_of(self.parts, self.info.faces)
        self._least_score = config.score_threshold
        self._others = tuple(others)
        fitted = self.info.joint_calibration if self._others else self.info.calibration
        self._calibration = Calibration(**fitted) if fitted else None
        low, high = self._proposer.mm_per_px
        self.px_per_mm = (1 / high, 1 / low)

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture: propose, then decide; best first."""
        return self.decide(picture, self.propose(picture))

    def propose(self, picture: Picture) -> Proposal:
        """Return the network's unregistered hypotheses and its answer: the network's share of the work."""
        return self._proposer(picture, self._relations.alike)

    def decide(self, picture: Picture, said: Proposal) -> Detections:
        """Register hypotheses, choose among them and score what remains: the drawing's share of the work."""
        scored = self.scored(self.accepted(picture, said), said.answer)
        return scored[scored.score >= self._least_score]

    def scored(self, decided: Detections, answer: Answer | None) -> Detections:
        """Give accepted detections their probability of being right as score, best first, where that is calibrated."""
        if self._calibration is None or answer is None or len(decided) == 0:
            return decided
        score = self._calibration.probability(features_of(decided, self.parts, answer))
        return decided.scored(score)[np.argsort(-score, kind="stable")]

    def accepted(self, picture: Picture, said: Proposal) -> Detections:
        """Return all that the drawing accepts of what was proposed, scored by its evidence, in its order in the pile."""
        inquiry = inquire(picture, said, self._relations)
        others = [_renumbered(other.candidates(inquiry.views), other.parts, self.parts) for other in self._others]
        return look_until_decided(inquiry, self.px_per_mm, others, lambda found: self._left_by(found, said))

    def _left_by(self, found: Detections, said: Proposal) -> Detections:
        """Return what the network proposes for the cells that detections leave unexplained."""
        if said.answer is None:
            return found[:0]
        left = self._proposer.of_what_is_left(said.answer, found, self.parts, self._relations.alike)
        return left.hypotheses


def load_detector(
    workspace: Workspace,
    mm_per_px: Scales | None = None,
    engine: Engine = "network",
    runtime: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    many: bool = False,
) -> Detector:
    """Return a detector of a workspace's models, drawings and configuration.

    Args:
        workspace: with models/checkpoint.onnx (unless `engine` is "match").
        mm_per_px: scale range of the pictures to come; None for the range trained for, or configured.
        engine: who proposes.
        runtime: one of `runtimes.RUNTIMES`; None for what `kontur tune` stored, or ONNX Runtime.
        precision: fp32, bf16 or int8; None for what `kontur tune` stored, or fp32.
        threads: for all libraries, see `hardware.threads.use_threads`; None for what was set or tuned, or all CPUs.
        many: whether as many pictures will be detected in at once as there are threads (see `pipeline`): each then has one.

    Raises:
        ConfigError, DrawingError, ModelError: what is missing or does not fit.
        ModuleNotFoundError: the runtime's package is not installed.
    """
    use_threads(threads)
    if engine == "match":
        return load_matcher(workspace, mm_per_px)
    config = load_config(workspace.train_config, TrainConfig)
    data, parts = open_known_parts(workspace)
    choice = choose_runtime(workspace, runtime, precision, 1 if many else threads)
    path = find_model(workspace, choice)
    with ThreadPoolExecutor(1) as beside:
        loading = [beside.submit(matcher_of, workspace, data, parts, mm_per_px)] if engine == "both" else []
        others = (item.result() for item in loading)
        return NetworkDetector(path, parts, config.detection, mm_per_px, others, choice)


def _renumbered(found: Detections, theirs: Sequence[Part], ours: Sequence[Part]) -> Detections:
    """Return detections that count parts in another list of the same names."""
    place = {part.name: index for index, part in enumerate(ours)}
    return replace(found, part=np.array([place[part.name] for part in theirs], np.int64)[found.part])
