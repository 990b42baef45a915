"""Fitting the scores of a trained network on validation pictures, alone and together with the matcher; see `calibration`.

The matcher proposes other things, and is wrong about others, than the network: what the same features say of its detections
must be fitted on them, or `both` would rank worse than the matcher alone.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import Sample, Samples
from kontur.errors import ConfigError
from kontur.geometry import Part
from kontur.hardware.threads import thread_count
from kontur.modeling.appearance import FEATURES, features_of
from kontur.modeling.calibration import Calibration, fit_calibration
from kontur.modeling.checkpoint import load_checkpoint, save_checkpoint
from kontur.modeling.confusion import pair_up
from kontur.modeling.export import export_onnx
from kontur.modeling.ground_truth import truth_of
from kontur.modeling.inference import NetworkDetector, Proposer
from kontur.modeling.model_info import ModelInfo
from kontur.modeling.pipeline import ordered_map
from kontur.modeling.results import picture_result
from kontur.modeling.shape_matching import make_matcher
from kontur.modeling.train_config import DetectionConfig
from kontur.workspace import Workspace

PICTURES = 160
"""Validation pictures looked at: a good network is seldom wrong, and scores are learned from what is."""
JOINT_PICTURES = 96
"""The same with the matcher, which takes longer and proposes more."""

Progress = Callable[[int, int], None]


def calibrate(
    detector: NetworkDetector, samples: Samples, on_progress: Progress, most: int = PICTURES
) -> Calibration | None:
    """Fit scores on the first `most` samples, none of which the network has learnt from.

    Args:
        detector: as it will be used, its scores not calibrated. Several threads use it.
        samples: validation pictures; their part indices are those of the detector's list.
        on_progress: called as on_progress(done, total).

    Returns:
        the calibration; None when the pictures hold too few detections.
    """
    total = min(most, len(samples))
    features, right = [], []
    pictures = (samples[index] for index in range(total))
    judged = ordered_map(lambda sample: _judged(detector, sample), pictures, thread_count())
    for done, (rows, flags) in enumerate(judged, 1):
        features.append(rows)
        right.append(flags)
        on_progress(done, total)
    return fit_calibration(FEATURES, np.concatenate(features), np.concatenate(right)) if features else None


def _judged(detector: NetworkDetector, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return features and rightness of what is accepted in one picture; what lies on ignored parts is left out."""
    said = detector.propose(sample.image)
    if said.answer is None:
        raise ValueError("scores are fitted to what a network answers")
    found = detector.accepted(sample.image, said)
    features = features_of(found, detector.parts, said.answer)
    truth = truth_of(sample)
    result = picture_result("", replace(found, score=np.clip(found.score, 0, 1)), detector.parts)
    pairing = pair_up(truth, result)
    right = np.zeros(len(found), bool)
    for detection, instance in pairing.pairs:
        right[detection] = truth.instances[instance].part == found.part[detection]
    counted = ~pairing.ignored
    return features[counted], right[counted]


def calibrate_checkpoint(
    workspace: Workspace,
    parts: Sequence[Part],
    samples: Samples,
    config: DetectionConfig,
    on_progress: Progress,
    joint: bool = True,
) -> ModelInfo:
    """Fit the scores of models/checkpoint.pth and store them in it; returns its new description.

    The network runs as it will be used: exported, by ONNX Runtime; then, unless `joint` is false or the parts are too small
    for that, once more with the matcher beside it.
    """
    network, info = load_checkpoint(workspace.checkpoint)
    info = replace(info, calibration={}, joint_calibration={})
    matcher = _matcher(info, parts) if joint else None
    alone = min(PICTURES, len(samples))
    total = alone + (min(JOINT_PICTURES, len(samples)) if matcher else 0)
    with tempfile.TemporaryDirectory() as folder:
        exported, plain = Path(folder) / "network.onnx", Path(folder) / "network.pth"
        save_checkpoint(plain, network, info)
        export_onnx(plain, exported)
        detector = NetworkDetector(exported, parts, config)
        fitted = calibrate(detector, samples, lambda done, _: on_progress(done, total))
        if matcher:
            both = NetworkDetector(exported, parts, config, others=[matcher])
            found = calibrate(both, samples, lambda done, _: on_progress(alone + done, total), JOINT_PICTURES)
            info = replace(info, joint_calibration=_stored(found))
    info = replace(info, calibration=_stored(fitted))
    save_checkpoint(workspace.checkpoint, network, info)
    return info


def _matcher(info: ModelInfo, parts: Sequence[Part]) -> Proposer | None:
    """Return the matcher as `--engine both` will have it; None for parts that it cannot find."""
    try:
        return make_matcher(parts, info.mm_per_px, info.faces)
    except ConfigError:
        return None


def _stored(fitted: Calibration | None) -> dict[str, Any]:
    return asdict(fitted) if fitted else {}
