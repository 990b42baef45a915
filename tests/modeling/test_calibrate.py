"""Fitting scores with a detector whose rights and wrongs are known."""

import numpy as np
from modeling_scenes import paint
from pycocotools import mask as coco_mask
from test_targets import PARTS, SIZE_WH, perfect_output

from kontur.geometry import PixelPose
from kontur.modeling.appearance import Answer
from kontur.modeling.calibrate import calibrate
from kontur.modeling.detections import from_poses
from kontur.modeling.ground_truth import truth_of
from kontur.modeling.proposer import Proposal

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
        self._samples = iter(samples)

    def propose(self, _picture):
        self._now = next(self._samples)
        nothing = from_poses(SIZE_WH, [], [], [])
        return Proposal(nothing, np.zeros(0, np.int64), Answer(perfect_output(self._now), (1.0, 1.0)))

    def accepted(self, _picture, _hypotheses, _places):
        rows = [(item.part, 0.8, item.pose) for item in self._now.instances]
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
