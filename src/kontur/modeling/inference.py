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
from numpy.typing import NDArray

from kontur.config import load_config
from kontur.data_preprocessing.known_parts import open_known_parts
from kontur.geometry import Part
from kontur.hardware.threads import use_threads
from kontur.modeling.appearance import Answer, features_of
from kontur.modeling.aside import laid_aside
from kontur.modeling.calibration import Calibration
from kontur.modeling.coarse_pose import align, direction_field, settle
from kontur.modeling.decide import DecisionOptions, decide, shared_plane
from kontur.modeling.detections import Detections, Detector, concatenate
from kontur.modeling.hearsay import Hearsay, against_names, vouched_for
from kontur.modeling.kin import SAME_PLACE_PX, Kin
from kontur.modeling.look_alikes import alike, find_stand_ins, in_place_of
from kontur.modeling.misread import Look, looked_at, misread
from kontur.modeling.model_files import find_model
from kontur.modeling.model_info import check_parts
from kontur.modeling.parallel import in_threads
from kontur.modeling.pile import stack_layers
from kontur.modeling.plane import Plane
from kontur.modeling.proposer import NetworkProposer, Proposal, Scales
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register
from kontur.modeling.runtime_choice import choose_runtime
from kontur.modeling.runtimes import RuntimeChoice
from kontur.modeling.shape_matching import load_matcher, matcher_of
from kontur.modeling.train_config import DetectionConfig, TrainConfig
from kontur.modeling.views import Views
from kontur.pictures import Picture
from kontur.workspace import Workspace

Engine = Literal["network", "match", "both"]
"""Who proposes: the trained network, the matcher, or both together."""


_NEAR = RegistrationOptions(rounds=ROUNDS[2:3])
"""How hypotheses are registered that start near to where they may lie."""
_TO_DECIDE = RegistrationOptions(rounds=(ROUNDS[0], ROUNDS[2]), rough_thinning=4, readings=(4, 2), contenders_only=True)
_TO_THE_END = RegistrationOptions(rounds=(), readings=(8, 4, 2))
"""What is proposed is registered as far as it takes to decide, what is accepted to the end."""
_MOST_LOOKS = 3
"""How often kin are laid, each time at the scale that the last time told."""
_OTHER_SCALES = -0.03, 0.03
"""Log scale: by how much more and less kin are laid where the scale that was told is doubted."""
_SAME_SCALE = 0.01
"""Log scales that differ less are one."""
_TOLD_BY_NETWORK, _LEAST_TOLD = 4.0, 0.003
"""What the logarithm of the network's score is worth in units of evidence when kin compete, and the least score."""
_EVIDENCE = DecisionOptions(spacing_px=3.0, most_points=128)


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
        px_per_mm: the scales of the pictures to come.
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
        self._stand_ins = find_stand_ins(self.parts, self.info.faces)
        self._alike, self._kin = alike(self._stand_ins), Kin(self.parts, self._stand_ins, self.info.faces)
        self._least_score = config.score_threshold
        self._others = tuple(others)
        fitted = self.info.joint_calibration if self._others else self.info.calibration
        self._calibration = Calibration(**fitted) if fitted else None
        low, high = self._proposer.mm_per_px
        self.px_per_mm = (1 / high, 1 / low)

    def detect(self, picture: Picture) -> Detections:
        """Find the parts in an (H, W, 3) uint8 BGR picture: propose, then decide; best first."""
        return self.decide(picture, *self.propose(picture))

    def propose(self, picture: Picture) -> Proposal:
        """Return the network's unregistered hypotheses and its answer: the network's share of the work."""
        return self._proposer(picture, self._alike)

    def decide(
        self,
        picture: Picture,
        hypotheses: Detections,
        places: NDArray[np.int64],
        named: NDArray[np.float64],
        answer: Answer,
    ) -> Detections:
        """Register hypotheses, choose among them and score what remains: the drawing's share of the work."""
        scored = self.scored(self.accepted(picture, hypotheses, places, named), answer)
        return scored[scored.score >= self._least_score]

    def scored(self, decided: Detections, answer: Answer) -> Detections:
        """Give accepted detections their probability of being right as score, best first, where that is calibrated."""
        if self._calibration is None or len(decided) == 0:
            return decided
        score = self._calibration.probability(features_of(decided, self.parts, answer))
        return decided.scored(score)[np.argsort(-score, kind="stable")]

    def accepted(
        self,
        picture: Picture,
        hypotheses: Detections,
        places: NDArray[np.int64],
        named: NDArray[np.float64] | None = None,
    ) -> Detections:
        """Return all that the drawing accepts, scored by its evidence alone, in its order in the pile.

        Args:
            picture: (H, W, 3) uint8 BGR.
            hypotheses, places, named: see `proposals.propose`; None where nothing is said of look-alikes.
        """
        views, field = _prepared(picture)
        heard = Hearsay(hypotheses, places, named)
        offered = self._offered(views, align(field, hypotheses, places, self.parts, self.px_per_mm))
        others = [_renumbered(other.candidates(views), other.parts, self.parts) for other in self._others]
        decided = self._chosen(views, [offered, *others], heard)
        plane = shared_plane(decided)
        again = self._aligned_again(field, hypotheses, places, decided, plane)
        if len(again):
            further = self._offered(views, again)
            offered, decided = concatenate([offered, further]), self._chosen(views, [decided, further], heard)
            plane = shared_plane(decided)
        aside = (
            laid_aside(decided, self.parts) if self._others else decided[:0]
        )  # alone, the network is there to be quick
        if len(aside):
            decided = self._chosen(views, [decided, self._offered(views, aside)], heard)
            plane = shared_plane(decided)
        decided = self._among_kin(views, field, decided, heard, plane)
        vouched = vouched_for(decided, offered, self.parts)
        registered = register(views, concatenate([decided, vouched]), self.parts, _TO_THE_END)
        sure = decide(views, registered[: len(decided)], self.parts, _EVIDENCE)
        return stack_layers(views, concatenate([sure, registered[len(decided) :]]), self.parts)

    def _chosen(self, views: Views, offered: Sequence[Detections], heard: Hearsay) -> Detections:
        """Choose among hypotheses by the picture, and among look-alikes by what the network says of them too."""
        pool = concatenate(offered)
        return decide(views, pool, self.parts, _EVIDENCE, against_names(pool, heard, self._alike))

    def _aligned_again(
        self,
        field: NDArray[np.float32],
        hypotheses: Detections,
        places: NDArray[np.int64],
        decided: Detections,
        plane: Plane,
    ) -> Detections:
        """Align the hypotheses in whose place nothing was accepted at the scale that others have told, if they have."""
        doubtful = _doubtful(hypotheses, decided)
        if plane.log_scale is None or len(doubtful) == 0:
            return hypotheses[:0]
        at_scale = np.exp(plane.log_scale), np.exp(plane.log_scale)
        return align(field, hypotheses[doubtful], places[doubtful], self.parts, at_scale, known=True)

    def _among_kin(
        self, views: Views, field: NDArray[np.float32], decided: Detections, heard: Hearsay, plane: Plane
    ) -> Detections:
        """Decide again, with the kin of what was accepted, and again where that moves the scale; the best look counts.

        Where much speaks even against the best kin, the scale is doubted, and others are tried.
        """
        best = self._with_kin(views, field, decided, heard, plane)
        if best is None or plane.log_scale is None:
            return decided
        if best.doubtful:
            planes = (replace(plane, log_scale=plane.log_scale + step) for step in _OTHER_SCALES)
            others = (self._with_kin(views, field, decided, heard, other) for other in planes)
            best = max((best, *(look for look in others if look)), key=lambda look: look.balance)
        last = best
        for _ in range(_MOST_LOOKS - 1):
            plane = shared_plane(last.decided)
            if _same_scale(last.laid_on, plane):
                break
            further = self._with_kin(views, field, last.decided, heard, plane)
            if further is None:
                break
            last = further
            best = max((best, last), key=lambda look: look.balance)
        return best.decided

    def _with_kin(
        self, views: Views, field: NDArray[np.float32], decided: Detections, heard: Hearsay, plane: Plane
    ) -> Look | None:
        """Decide with the kin of what was accepted, laid on a plane; None when there are none."""
        beside = self._kin.beside(decided, heard.hypotheses, plane)
        if len(beside.rows) == 0:
            return None
        alone = np.delete(np.arange(len(decided)), beside.rows)
        offered = self._offered(views, settle(field, beside.laid, self.parts), _NEAR)
        pool = concatenate([decided[alone], offered])
        against = misread(views, pool, self.parts, plane, self._alike) + against_names(pool, heard, self._alike)
        against[len(alone) :] -= _TOLD_BY_NETWORK * np.log(np.maximum(offered.score, _LEAST_TOLD))
        return looked_at(views, decide(views, pool, self.parts, against=against), self.parts, plane, self._alike)

    def _offered(self, views: Views, aligned: Detections, options: RegistrationOptions = _TO_DECIDE) -> Detections:
        """Register hypotheses; add the look-alikes of each, in its pose."""
        registered = register(views, aligned, self.parts, options)
        return concatenate([registered, in_place_of(registered, self._stand_ins)])


def _prepared(picture: Picture) -> tuple[Views, NDArray[np.float32]]:
    """Return the views of a picture, those made that registration and decision look at first, and its direction field."""
    views, sigma, fields = Views(picture), _TO_DECIDE.sigma_px, []
    views.reduced(_TO_DECIDE.rounds[0].reduction)
    steps = (
        lambda: fields.append(direction_field(views)),
        lambda: views.background(sigma),
        lambda: [views.edges(sigma, step.reduction) for step in _TO_DECIDE.rounds],
    )
    in_threads(lambda step: step(), steps)
    return views, fields[0]


def _same_scale(one: Plane, other: Plane) -> bool:
    """Whether the scales of two planes are about the same, or one is not known."""
    return one.log_scale is None or other.log_scale is None or abs(one.log_scale - other.log_scale) < _SAME_SCALE


def _doubtful(hypotheses: Detections, certain: Detections) -> NDArray[np.int64]:
    """Return the hypotheses in whose place nothing is certain; a second look at the known scale may find out."""
    apart = np.linalg.norm(hypotheses.uv[:, None] - certain.uv[None], axis=2)
    return np.flatnonzero(apart.min(axis=1, initial=np.inf) > SAME_PLACE_PX)


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
