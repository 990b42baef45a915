"""The network as a detector: what is proposed on a resized picture comes back in the picture's own pixels."""

import json

import cv2
import numpy as np
import onnx
import pytest
import torch
from modeling_scenes import bracket, paint, triangle, washer
from test_targets import perfect_output

from kontur.errors import ModelError
from kontur.geometry import PixelPose
from kontur.modeling import looks
from kontur.modeling.appearance import FEATURES, Answer
from kontur.modeling.checkpoint import save_checkpoint
from kontur.modeling.coarse_pose import AGAIN, FIRST
from kontur.modeling.detections import from_poses
from kontur.modeling.export import export_onnx
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.model_info import ModelInfo, known_parts
from kontur.modeling.network import Network
from kontur.modeling.proposals import Proposal
from kontur.modeling.proposer import as_input
from kontur.modeling.train_config import DetectionConfig

PARTS = (bracket(), washer(), triangle())
MM_PER_PX = (0.6, 0.8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained network: it knows nothing, but it loads, runs and names its parts."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    info = ModelInfo(known_parts(PARTS), "n", MM_PER_PX, "up", "tests")
    save_checkpoint(folder / "c.pth", Network(len(PARTS), "n"), info)
    export_onnx(folder / "c.pth", folder / "c.onnx")
    return folder / "c.onnx"


def test_parts_are_put_into_the_models_order(model):
    detector = NetworkDetector(model, PARTS[::-1], DetectionConfig())
    assert [part.name for part in detector.parts] == [part.name for part in PARTS]


def test_other_parts_are_refused(model):
    with pytest.raises(ModelError, match=r"bracket: the drawing has changed.*kontur train"):
        NetworkDetector(model, (triangle("bracket"), *PARTS[1:]), DetectionConfig())


class Told:
    """Proposes what it was told, in a part list of another order."""

    parts = PARTS[::-1]

    def __init__(self, poses):
        self._poses = poses

    def candidates(self, views):
        size_wh = views.size_wh
        return from_poses(size_wh, [2] * len(self._poses), [0.5] * len(self._poses), self._poses)


def test_another_proposer_finds_what_the_network_misses(model):
    """The untrained network finds nothing; the other one proposes a bracket, number 2 of its own list: it is registered."""
    pose = PixelPose(120, 85, 0.4, 1.5)
    picture = paint(PARTS, [(0, pose)], (256, 192)).image
    config = DetectionConfig(foreground_threshold=0.99)
    assert len(NetworkDetector(model, PARTS, config).detect(picture)) == 0
    found = NetworkDetector(model, PARTS, config, others=[Told([pose])]).detect(picture)
    assert [PARTS[part].name for part in found.part] == ["bracket"]
    assert found.uv[0] == pytest.approx((120, 85), abs=0.03)
    assert found.support[0] > 0.98


def test_what_another_proposer_imagines_is_not_believed(model):
    picture = paint(PARTS, [], (256, 192)).image
    config = DetectionConfig(foreground_threshold=0.99)
    assert (
        len(NetworkDetector(model, PARTS, config, others=[Told([PixelPose(120, 85, 0.4, 1.5)])]).detect(picture)) == 0
    )


def test_a_second_look_is_taken_only_where_nothing_was_accepted(model, monkeypatch):
    """Three parts, of which the first look offers two; their scale is then known, and the third place is looked at again."""
    poses = [PixelPose(60, 60, 0.4, 1.4), PixelPose(190, 60, 2.0, 1.4), PixelPose(125, 140, 1.0, 1.4)]
    picture = paint(PARTS, [(0, pose) for pose in poses], (256, 192)).image
    detector = NetworkDetector(model, PARTS, DetectionConfig())
    taken = []

    def offer(_field, hypotheses, _parts, plane, search=FIRST):
        taken.append((hypotheses.uv.tolist(), plane, search))
        return hypotheses[np.array([0, 1])] if search is FIRST else hypotheses

    monkeypatch.setattr(looks, "align", offer)
    found = detector.accepted(picture, Proposal(from_poses((256, 192), [0] * 3, [0.9] * 3, poses), np.arange(3)))
    assert len(found) == 3
    assert [places for places, _, _ in taken] == [[[pose.u, pose.v] for pose in poses], [[125, 140]]]
    assert taken[1][2] is AGAIN
    assert taken[1][1].scale_at(np.array([[125.0, 140.0]])) == pytest.approx(1.4, rel=0.01)


@pytest.mark.parametrize("is_told", [True, False])
def test_what_the_network_says_of_cells_that_nothing_explains_is_looked_at(model, is_told):
    """Two of three parts were proposed; the network's answer holds the third one's cells."""
    poses = [PixelPose(60, 60, 0.4, 1.4), PixelPose(190, 60, 2.0, 1.4), PixelPose(125, 140, 1.0, 1.4)]
    sample = paint(PARTS, list(zip((0, 0, 2), poses, strict=True)), (256, 192))
    detector = NetworkDetector(model, PARTS, DetectionConfig())
    answer = Answer(perfect_output(sample), (1.0, 1.0)) if is_told else None
    proposed = from_poses((256, 192), [0, 0], [0.9, 0.9], poses[:2])
    found = detector.accepted(sample.image, Proposal(proposed, np.arange(2), answer=answer))
    assert sorted(found.part) == ([0, 0, 2] if is_told else [0, 0])
    if is_told:
        assert found.uv[found.part == 2][0] == pytest.approx((125, 140), abs=0.1)


def test_scores_are_those_of_the_calibration_of_who_proposes(tmp_path):
    """A model whose joint calibration knows one feature: the score must be its logistic function."""
    other = {"names": FEATURES, "coefficients": [0.0] * len(FEATURES), "intercept": 1.0, "detections": 9}
    joint = other | {"coefficients": [0.0, 0.0, 0.5, *[0.0] * (len(FEATURES) - 3)], "intercept": -2.0}
    info = ModelInfo(known_parts(PARTS), "n", MM_PER_PX, "up", "tests", calibration=other, joint_calibration=joint)
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "c.pth", Network(len(PARTS), "n"), info)
    export_onnx(tmp_path / "c.pth", tmp_path / "c.onnx")
    poses = [PixelPose(70, 60, 0.4, 1.5), PixelPose(190, 130, 2.0, 1.2)]
    picture = paint(PARTS, [(0, pose) for pose in poses], (256, 192)).image
    config = DetectionConfig(foreground_threshold=0.99, score_threshold=0.0)
    found = NetworkDetector(tmp_path / "c.onnx", PARTS, config, others=[Told(poses)]).detect(picture)
    cells = np.array([PARTS[0].area_mm2 * pose.scale_px_per_mm**2 / 16 for pose in poses])
    assert found.score == pytest.approx(1 / (1 + np.exp(2 - 0.5 * np.log1p(cells))), abs=0.02)
    assert found.score[0] > found.score[1], "best first"
    alone = NetworkDetector(tmp_path / "c.onnx", PARTS, config)
    said = alone.propose(picture)
    assert len(said.hypotheses) == 0
    assert alone.scored(found, said.answer).score == pytest.approx(1 / (1 + np.exp(-1.0)))


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_a_damaged_network_is_one_clear_error(tmp_path, content):
    path = tmp_path / "c.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="export again"):
        NetworkDetector(path, PARTS, DetectionConfig())


def test_a_network_of_another_program_is_refused(model, tmp_path):
    foreign = onnx.load(model)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="not exported by kontur"):
        NetworkDetector(tmp_path / "foreign.onnx", PARTS, DetectionConfig())


def test_a_model_of_another_format_is_refused(model, tmp_path):
    other = onnx.load(model)
    onnx.helper.set_model_props(other, {"kontur": json.dumps({"format": 99})})
    onnx.save(other, tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="format 99"):
        NetworkDetector(tmp_path / "other.onnx", PARTS, DetectionConfig())


@pytest.mark.parametrize(("width", "height"), [(97, 65), (320, 224), (31, 200)])
def test_any_picture_size_is_taken(model, width, height):
    picture = np.full((height, width, 3), 90, np.uint8)
    padded = as_input(picture)
    assert padded.shape[1] % 32 == padded.shape[2] % 32 == 0
    assert (padded[0, :height, :width] == picture).all()
    assert NetworkDetector(model, PARTS, DetectionConfig()).detect(picture).size_wh == (width, height)


def test_a_picture_that_needs_no_padding_is_not_copied():
    picture = np.full((64, 96, 3), 90, np.uint8)
    assert np.shares_memory(as_input(picture), picture)
    padded = as_input(picture[:60, :90])
    assert padded.shape == (1, 64, 96, 3)
    assert {padded[0, 60:].min(), padded[0, :, 90:].max()} == {114}


def test_a_resized_pictures_proposals_are_mapped_back(model, monkeypatch):
    """A picture at twice the trained scale is halved; the poses must be those of the picture itself."""
    detector = NetworkDetector(model, PARTS, DetectionConfig(), (MM_PER_PX[0] / 2, MM_PER_PX[1] / 2))
    truth = PixelPose(201.0, 130.0, 0.4, 2.9)
    picture = paint(PARTS, [(0, truth)], (448, 320)).image
    seen = []

    def remember(_answer, size_wh, *_others):
        seen.append(size_wh)
        # the datum in the halved picture: OpenCV's resize keeps the outer corners of the picture, at -0.5
        half = PixelPose(
            (truth.u + 0.5) / 2 - 0.5, (truth.v + 0.5) / 2 - 0.5, truth.angle_rad, truth.scale_px_per_mm / 2
        )
        return Proposal(from_poses(size_wh, [0], [1.0], [half]), np.zeros(1, np.int64))

    monkeypatch.setattr("kontur.modeling.proposer.propose", remember)
    found = detector.propose(picture).hypotheses
    assert seen == [(224, 160)]
    pose = found.pose(0)
    assert (pose.u, pose.v) == pytest.approx((truth.u, truth.v), abs=1e-9)
    assert pose.scale_px_per_mm == pytest.approx(truth.scale_px_per_mm)
    halved = cv2.resize(picture[..., 0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) > 130
    whole = np.nonzero(picture[..., 0] > 130)
    for axis, centres in enumerate(np.nonzero(halved)):
        assert centres.mean() == pytest.approx((whole[axis].mean() + 0.5) / 2 - 0.5, abs=0.15)
