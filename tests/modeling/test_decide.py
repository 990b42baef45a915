import numpy as np
import pytest
from modeling_shapes import bracket, coverage_picture, disc, plate

from kontur.geometry import PixelPose, make_part
from kontur.modeling.decide import decide, shared_plane
from kontur.modeling.detections import from_poses
from kontur.modeling.refine import register

SIZE_WH = (260, 200)
HERE = PixelPose(128.3, 99.6, 0.5, 1.5)


def turned(pose, angle, flipped=False):
    return PixelPose(pose.u, pose.v, pose.angle_rad + angle, pose.scale_px_per_mm, flipped)


def verdict(picture, parts, hypotheses):
    starts = from_poses(SIZE_WH, [k for k, _ in hypotheses], [0.5] * len(hypotheses), [pose for _, pose in hypotheses])
    return decide(picture, register(picture, starts, parts), parts)


def textured(part, pose, strength, seed=1):
    """A part on a table of band-limited noise."""
    import cv2

    rng = np.random.default_rng(seed)
    table = cv2.GaussianBlur(rng.standard_normal((SIZE_WH[1], SIZE_WH[0])), (0, 0), 1.5)
    table = table / table.std() * strength
    share = coverage_picture(part, pose, SIZE_WH, (0, 255))[..., 0] / 255
    grey = (90 + table) * (1 - share) + 170 * share + rng.normal(0, 2, share.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2)


@pytest.mark.parametrize("true", [0, 1], ids=["three holes", "four holes"])
@pytest.mark.parametrize("texture", [0.0, 12.0])
def test_one_hole_decides(true, texture):
    parts = (plate(3), plate(4))
    picture = textured(parts[true], HERE, texture)
    hypotheses = [(part, turned(HERE, turn)) for part in (0, 1) for turn in (0.0, np.pi)]
    found = verdict(picture, parts, hypotheses)
    assert len(found) == 1
    assert found.part[0] == true
    if true == 0:
        turn = (found.pose(0).angle_rad - HERE.angle_rad + np.pi) % (2 * np.pi) - np.pi
        assert abs(turn) < 0.01, "the hole that is missing says which way round"


@pytest.mark.parametrize("flipped", [False, True])
def test_the_side_is_seen(flipped):
    parts = (bracket(),)
    truth = turned(HERE, 0, flipped)
    picture = textured(parts[0], truth, 6.0)
    hypotheses = [(0, turned(HERE, turn, side)) for side in (False, True) for turn in np.arange(4) * np.pi / 2]
    found = verdict(picture, parts, [*hypotheses, (0, truth)])
    assert len(found) == 1
    assert found.flipped[0] == flipped


def test_a_disc_does_not_explain_a_washer():
    from kontur.geometry import circle_contour

    parts = (disc(), make_part("washer", circle_contour(0, 0, 15), (circle_contour(0, 0, 6),)))
    for true in (0, 1):
        found = verdict(textured(parts[true], HERE, 6.0), parts, [(0, HERE), (1, HERE)])
        assert found.part.tolist() == [true]


def test_the_true_part_scores_high_and_the_table_low():
    parts = (plate(4),)
    scores = []
    for texture in (0.0, 10.0, 25.0):
        picture = textured(parts[0], PixelPose(80, 99.6, 0.5, 1.2), texture)
        found = verdict(picture, parts, [(0, PixelPose(80, 99.6, 0.5, 1.2)), (0, PixelPose(195, 100, 0.1, 1.2))])
        assert found.score[0] > 0.4
        assert np.hypot(*(found.uv[0] - (80, 99.6))) < 0.3
        scores.append(found.score[1] if len(found) > 1 else 0.0)
    assert max(scores) < 0.25


def test_a_covered_part_is_kept_and_judged_by_what_is_seen():
    parts = (plate(4), bracket())
    below, above = PixelPose(110, 90, 0.2, 1.5), PixelPose(165, 120, 1.1, 1.5)
    share = coverage_picture(parts[1], above, SIZE_WH, (0, 255))[..., 0] / 255
    base = coverage_picture(parts[0], below, SIZE_WH, (60, 150))[..., 0]
    picture = np.repeat((base * (1 - share) + 210 * share).astype(np.uint8)[..., None], 3, 2)
    found = verdict(picture, parts, [(0, below), (1, above), (0, turned(below, np.pi / 2))])
    assert sorted(found.part.tolist()) == [0, 1]
    assert (found.score > 0.4).all()


def test_an_empty_table_has_no_parts():
    rng = np.random.default_rng(3)
    picture = rng.normal(100, 8, (SIZE_WH[1], SIZE_WH[0], 3)).clip(0, 255).astype(np.uint8)
    found = verdict(picture, (plate(4),), [(0, HERE), (0, turned(HERE, 1.0))])
    assert len(found) == 0 or found.score.max() < 0.15


@pytest.mark.parametrize(("score", "is_told"), [(0.9, True), (0.3, False)])
def test_parts_that_are_all_doubtful_tell_no_scale(score, is_told):
    found = from_poses(SIZE_WH, [0] * 3, [score] * 3, [PixelPose(60.0 + 60 * k, 90.0, 0.3, 1.5) for k in range(3)])
    told = shared_plane(found).log_scale
    assert told == pytest.approx(np.log(1.5)) if is_told else told is None
