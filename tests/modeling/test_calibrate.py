"""Fitting scores with a detector whose rights and wrongs are known."""

import numpy as np
import pytest
from modeling_scenes import paint
from network_files import make_models
from pycocotools import mask as coco_mask
from test_targets import PARTS, SIZE_WH, perfect_output

from kontur.errors import ConfigError
from kontur.geometry import PixelPose
from kontur.modeling import calibrate as module
from kontur.modeling.appearance import Answer
from kontur.modeling.calibrate import calibrate
from kontur.modeling.checkpoint import load_checkpoint
from kontur.modeling.detections import from_poses
from kontur.modeling.ground_truth import truth_of
from kontur.modeling.proposals import Proposal
from kontur.modeling.train_config import DetectionConfig

SPOTS = [(60, 55), (170, 60), (280, 70), (70, 165), (180, 160), (290, 165)]


def scene(seed: int):
    rng = np.random.default_rng(seed)
    placed = [
        (int(rng.integers(3)), PixelPose(*(np.array(spot) + rng.uniform(-5, 5, 2)), rng.uniform(0, 6), 1.5))
        for spot in SPOTS[: int(rng.integers(3, 7))]
    ]
    return paint(PARTS, placed, SIZE_WH)


class Careless:
    """Finds everything, but names every third part wrongly and sees one where there is none."""

    parts = PARTS

    def __init__(self, samples):
        self._samples = samples

    def _known(self, picture):
        return next(sample for sample in self._samples if sample.image is picture)

    def propose(self, picture):
        nothing = from_poses(SIZE_WH, [], [], [])
        answer = Answer(perfect_output(self._known(picture)), (1.0, 1.0))
        return Proposal(nothing, np.zeros(0, np.int64), answer=answer)

    def accepted(self, picture, _said):
        rows = [(item.part, 0.8, item.pose) for item in self._known(picture).instances]
        rows[::3] = [((part + 1) % 3, 0.7, pose) for part, _, pose in rows[::3]]
        rows.append((0, 0.6, PixelPose(176, 112, 0.4, 1.0)))
        part, score, poses = zip(*rows, strict=True)
        return from_poses(SIZE_WH, part, score, poses)


def test_what_the_network_denies_becomes_improbable():
    samples = [scene(seed) for seed in range(20)]
    told = []
    fitted = calibrate(Careless(samples), samples, lambda *numbers: told.append(numbers))
    assert told == [(k, 20) for k in range(1, 21)]
    by_name = dict(zip(fitted.names, fitted.coefficients, strict=True))
    assert by_name["named"] > 0
    good = np.array([[0.8, 0, 5.0, 1.0, 0.99, 0.99, 0.95, 0.99]])
    assert fitted.probability(good)[0] > 0.9
    misnamed = good.copy()
    misnamed[0, fitted.names.index("named")] = 0.0
    assert fitted.probability(misnamed)[0] < 0.5


def test_no_more_pictures_than_asked_for_and_too_few_fit_nothing():
    samples = [scene(seed) for seed in range(4)]
    told = []
    assert calibrate(Careless(samples), samples, lambda *numbers: told.append(numbers), most=2) is None
    assert told == [(1, 2), (2, 2)]
    assert calibrate(Careless([]), [], lambda *_: None) is None


def test_a_samples_truth_is_its_id_map():
    sample = scene(3)
    picture = truth_of(sample)
    assert picture.size_wh == SIZE_WH
    for number, (item, instance) in enumerate(zip(picture.instances, sample.instances, strict=True), 1):
        np.testing.assert_array_equal(coco_mask.decode(item.mask), sample.ids == number)
        assert (item.part, item.pose, item.area_px) == (instance.part, instance.pose, (sample.ids == number).sum())
        assert item.ignored == (instance.visible_fraction < 0.25)


@pytest.mark.slow
def test_a_checkpoint_gets_a_calibration_for_each_engine(tmp_path, monkeypatch):
    """The network's part is played by one that knows the truth; who proposes beside it is wrong about every third name."""
    space = make_models(tmp_path)
    samples = [scene(seed) for seed in range(20)]
    beside = []

    def fake(_path, _parts, _config, others=()):
        beside.append(len(others))
        return Careless(samples)

    monkeypatch.setattr(module, "NetworkDetector", fake)
    monkeypatch.setattr(module, "JOINT_PICTURES", 15)
    monkeypatch.setattr(module, "make_matcher", lambda _parts, mm_per_px, _faces: mm_per_px)
    told = []
    done = module.calibrate_checkpoint(space, PARTS, samples, DetectionConfig(), lambda *numbers: told.append(numbers))
    assert beside == [0, 1]
    assert told == [(k, 35) for k in range(1, 36)]
    assert done.joint_calibration["detections"] == sum(len(s.instances) + 1 for s in samples[:15])
    assert done.calibration["detections"] == sum(len(s.instances) + 1 for s in samples[:20])
    assert load_checkpoint(space.checkpoint)[1].to_dict() == done.to_dict()


@pytest.mark.slow
def test_parts_too_small_for_the_matcher_are_calibrated_without_it(tmp_path, monkeypatch):
    space = make_models(tmp_path)
    samples = [scene(seed) for seed in range(20)]
    monkeypatch.setattr(module, "NetworkDetector", lambda *_args, **_more: Careless(samples))

    def refuse(*_):
        raise ConfigError("too small to be found")

    monkeypatch.setattr(module, "make_matcher", refuse)
    done = module.calibrate_checkpoint(space, PARTS, samples, DetectionConfig(), lambda *_: None)
    assert done.calibration["detections"] > 0
    assert done.joint_calibration == {}


@pytest.mark.slow
def test_the_matcher_is_left_out_on_request(tmp_path, monkeypatch):
    space = make_models(tmp_path)
    samples = [scene(seed) for seed in range(20)]
    monkeypatch.setattr(module, "NetworkDetector", lambda *_args, **_more: Careless(samples))
    monkeypatch.setattr(module, "make_matcher", lambda *_: pytest.fail("asked for the matcher"))
    told = []
    done = module.calibrate_checkpoint(
        space, PARTS, samples, DetectionConfig(), lambda *numbers: told.append(numbers), joint=False
    )
    assert told[-1] == (20, 20)
    assert (done.calibration["detections"] > 0, done.joint_calibration) == (True, {})
