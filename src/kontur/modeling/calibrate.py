"""Fitting the scores of a trained network on validation pictures; see `calibration`."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.sample import Sample, Samples
from kontur.geometry import Part
from kontur.modeling.appearance import FEATURES, features_of
from kontur.modeling.calibration import Calibration, fit_calibration
from kontur.modeling.checkpoint import load_checkpoint, save_checkpoint
from kontur.modeling.confusion import pair_up
from kontur.modeling.export import export_onnx
from kontur.modeling.ground_truth import truth_of
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.model_info import ModelInfo
from kontur.modeling.results import picture_result
from kontur.modeling.train_config import DetectionConfig
from kontur.workspace import Workspace

PICTURES = 60
"""Validation pictures looked at."""

Progress = Callable[[int, int], None]


def calibrate(
    detector: NetworkDetector, samples: Samples, on_progress: Progress, most: int = PICTURES
) -> Calibration | None:
    """Fit scores on the first `most` samples, none of which the network has learnt from.

    Args:
        detector: as it will be used, its scores not calibrated.
        samples: validation pictures; their part indices are those of the detector's list.
        on_progress: called as on_progress(done, total).

    Returns:
        the calibration; None when the pictures hold too few detections.
    """
    features, right = [], []
    total = min(most, len(samples))
    for index in range(total):
        rows, flags = _judged(detector, samples[index])
        features.append(rows)
        right.append(flags)
        on_progress(index + 1, total)
    return fit_calibration(FEATURES, np.concatenate(features), np.concatenate(right)) if features else None


def _judged(detector: NetworkDetector, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return features and rightness of what is accepted in one picture; what lies on ignored parts is left out."""
    hypotheses, places, answer = detector.propose(sample.image)
    found = detector.accepted(sample.image, hypotheses, places)
    features = features_of(found, detector.parts, answer)
    truth = truth_of(sample)
    result = picture_result("", replace(found, score=np.clip(found.score, 0, 1)), detector.parts)
    pairing = pair_up(truth, result)
    right = np.zeros(len(found), bool)
    for detection, instance in pairing.pairs:
        right[detection] = truth.instances[instance].part == found.part[detection]
    counted = ~pairing.ignored
    return features[counted], right[counted]


def calibrate_checkpoint(
    workspace: Workspace, parts: Sequence[Part], samples: Samples, config: DetectionConfig, on_progress: Progress
) -> ModelInfo:
    """Fit the scores of models/checkpoint.pth and store them in it; returns its new description.

    The network runs as it will be used: exported, by ONNX Runtime.
    """
    network, info = load_checkpoint(workspace.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "network.onnx"
        plain = Path(folder) / "network.pth"
        save_checkpoint(plain, network, replace(info, calibration={}))
        export_onnx(plain, exported)
        fitted = calibrate(NetworkDetector(exported, parts, config), samples, on_progress)
    info = replace(info, calibration=asdict(fitted) if fitted else {})
    save_checkpoint(workspace.checkpoint, network, info)
    return info
