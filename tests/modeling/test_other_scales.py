"""Which look at a picture counts: where the scale that was told is doubted, others are tried, and the moved scale again."""

from dataclasses import replace

import numpy as np
import pytest
from modeling_scenes import paint

from kontur.geometry import Contour, PixelPose, circle_contour, make_part
from kontur.modeling import kin_looks
from kontur.modeling.coarse_pose import direction_field
from kontur.modeling.decide import shared_plane
from kontur.modeling.detections import from_poses
from kontur.modeling.inquiry import Inquiry, relations_of
from kontur.modeling.kin_looks import among_kin
from kontur.modeling.misread import Look, looked_at
from kontur.modeling.plane import Plane
from kontur.modeling.proposals import Proposal
from kontur.modeling.views import Views

SIZE_WH = (320, 240)
SCALE = 1.5
STEPS = np.array([-0.03, 0, 0.03, 0.06, 0.09])
TILTED = 0.0, -0.03, -0.05
POSES = [PixelPose(80, 60, 0.4, SCALE), PixelPose(240, 70, 2.0, SCALE), PixelPose(150, 175, 1.0, SCALE)]


def ell(name, length, height):
    """An L with a hole along its long leg."""
    corners = np.array([[0, 0], [length, 0], [length, 13], [12, 13], [12, height], [0, height]], float)
    return make_part(name, Contour(corners), (circle_contour(0.77 * length, 6.5, 3.0),))


PARTS = ell("short", 52.0, 30.0), ell("long", 53.6, 30.9)
SHORT, LONG = range(2)


NOTHING = from_poses(SIZE_WH, [], [], [])


def level(scale):
    return Plane((0.0, 0.0), 350.0, (159.5, 119.5), float(np.log(scale)))


def all_are(part, scale):
    """All places hold a part, seen at a scale."""
    return from_poses(SIZE_WH, [part] * 3, [0.9] * 3, [replace(pose, scale_px_per_mm=scale) for pose in POSES])


def views_of(part):
    """A picture in which all places hold a part, in a little noise."""
    image = paint(PARTS, [(part, pose) for pose in POSES], SIZE_WH).image
    return Views(np.clip(image + np.random.default_rng(2).normal(0, 2, image.shape), 0, 255).astype(np.uint8))


def inquiry_of(part, names=(SHORT, LONG)):
    """The same picture, in which the network names parts in all places."""
    views, count = views_of(part), len(names)
    named = from_poses(SIZE_WH, [*names] * 3, [0.3] * 3 * count, [pose for pose in POSES for _ in range(count)])
    said = Proposal(named, np.arange(len(named)))
    return Inquiry(views, direction_field(views), said, relations_of(PARTS, "up"))


@pytest.mark.parametrize(("true", "taken_for", "error"), [(SHORT, LONG, -0.03), (LONG, SHORT, 0.03)])
def test_a_scale_told_wrong_is_found_again_and_with_it_the_true_member(true, taken_for, error):
    """The other member at the wrong scale has nearly the outline that is seen; kin may move from there."""
    inquiry, told = inquiry_of(true), SCALE * np.exp(error)
    found = among_kin(inquiry, all_are(taken_for, told), NOTHING)
    assert found.part.tolist() == [true] * 3
    assert np.exp(shared_plane(found).log_scale) == pytest.approx(SCALE, rel=0.004)


def test_parts_of_the_wrong_size_that_told_a_tilt_are_found_again_on_a_level_plane():
    """Shorter ones seem farther away: taken for longer ones, two of three parts make a tilted plane that fits all."""
    told = [replace(pose, scale_px_per_mm=SCALE * np.exp(error)) for pose, error in zip(POSES, TILTED, strict=True)]
    tilted = from_poses(SIZE_WH, [SHORT, LONG, LONG], [0.9] * 3, told)
    assert np.hypot(*shared_plane(tilted).slope_uv) > 0.07
    found = among_kin(inquiry_of(SHORT), tilted, NOTHING)
    assert found.part.tolist() == [SHORT] * 3
    assert found.similarity[1] == pytest.approx([SCALE] * 3, rel=0.01)


def test_what_had_found_its_pose_by_itself_is_not_lost_where_a_wrong_part_was_accepted(monkeypatch):
    """The longer L lies turned on the shorter one; kin that are laid on it turn with it, and find no way back."""
    turned = replace(POSES[2], angle_rad=POSES[2].angle_rad + 0.5)
    decided = from_poses(SIZE_WH, [SHORT, SHORT, LONG], [0.9, 0.9, 0.3], [*POSES[:2], turned])
    decided = replace(decided, support=np.array([1.0, 1.0, 0.3]))
    first = Look(decided, shared_plane(decided), 0.0, False, np.zeros(3, bool))
    monkeypatch.setattr(kin_looks, "with_kin", lambda *_: first)
    inquiry = inquiry_of(SHORT)
    near = replace(POSES[2], u=POSES[2].u + 2, scale_px_per_mm=1.03 * SCALE)
    offered = replace(from_poses(SIZE_WH, [SHORT], [0.3], [near]), support=np.array([0.5]))
    taken = among_kin(inquiry, decided, offered)
    there = np.linalg.norm(taken.uv - (POSES[2].u, POSES[2].v), axis=1) < 14
    assert taken.part[there].tolist() == [SHORT]
    assert taken.similarity[0][there] == pytest.approx([POSES[2].angle_rad], abs=0.02)
    without = among_kin(inquiry, decided, NOTHING)
    lies = np.abs(without.similarity[0] - POSES[2].angle_rad) < 0.05
    assert not lies[np.linalg.norm(without.uv - (POSES[2].u, POSES[2].v), axis=1) < 14].any()


@pytest.mark.parametrize("error", [-0.03, 0.03])
def test_where_parts_do_not_move_from_a_wrong_scale_the_picture_raises_the_doubt_and_settles_it(monkeypatch, error):
    views, nothing_alike = views_of(SHORT), np.eye(2, dtype=bool)
    looks = []

    def look(_inquiry, _decided, plane):
        looks.append(looked_at(views, all_are(SHORT, np.exp(plane.log_scale)), PARTS, plane, nothing_alike))
        return looks[-1]

    found, _ = decided_among(monkeypatch, look, SCALE * np.exp(error))
    assert found == pytest.approx([SCALE] * 3)
    for look_at in looks:
        is_right = look_at.decided.similarity[1] == pytest.approx([SCALE] * 3)
        assert look_at.doubtful is not is_right, "the doubt is about all scales but the true one"


def decided_among(monkeypatch, look, told=SCALE, closely=lambda _inquiry, best, _offered: best):
    """Return the scales of what counts, and those that were looked at before the close look, where `look` looks."""
    tried = []

    def watched(inquiry, decided, plane):
        tried.append(float(np.exp(plane.log_scale)))
        return look(inquiry, decided, plane)

    monkeypatch.setattr(kin_looks, "with_kin", watched)
    monkeypatch.setattr(kin_looks, "_laid_on", watched)
    monkeypatch.setattr(kin_looks, "_closely", closely)
    return among_kin(None, all_are(LONG, told), NOTHING).similarity[1], tried


def looked(monkeypatch, answers):
    """Do the same where `answers` has for a scale the one that parts are then found at, the balance, and any doubt."""

    def look(_inquiry, _decided, plane):
        found_at, balance, doubtful = answers(float(np.exp(plane.log_scale)))
        return Look(all_are(SHORT, found_at), plane, balance, doubtful, np.full(3, doubtful))

    return decided_among(monkeypatch, look)


def test_a_scale_that_nothing_speaks_against_is_the_only_one_looked_at(monkeypatch):
    found, tried = looked(monkeypatch, lambda scale: (scale, 5.0, False))
    assert tried == pytest.approx([SCALE])
    assert found == pytest.approx([SCALE] * 3)


@pytest.mark.parametrize("better", [-1, 1])
def test_of_scales_tried_in_doubt_the_best_balance_counts(monkeypatch, better):
    answers = lambda scale: (scale, 5.0 + 100 * better * np.log(scale / SCALE), True)  # noqa: E731
    found, tried = looked(monkeypatch, answers)
    assert np.unique(np.round(tried, 6)) == pytest.approx(sorted(SCALE * np.exp(better * STEPS)), abs=1e-6)
    assert found == pytest.approx([SCALE * np.exp(0.09 * better)] * 3), "as far as it helps, and no farther than 9 %"


def test_steps_end_where_the_balance_falls(monkeypatch):
    found, tried = looked(monkeypatch, lambda scale: (scale, -abs(np.log(scale / SCALE) - 0.03), True))
    assert np.unique(np.round(tried, 6)) == pytest.approx(SCALE * np.exp([-0.03, 0, 0.03, 0.06]), abs=1e-6)
    assert found == pytest.approx([SCALE * np.exp(0.03)] * 3)


@pytest.mark.parametrize(("balance", "part"), [(6.0, SHORT), (4.0, LONG)])
def test_the_close_look_counts_where_it_is_the_better_one(monkeypatch, balance, part):
    first = lambda _inquiry, _decided, plane: Look(all_are(LONG, SCALE), plane, 5.0, False, np.zeros(3, bool))  # noqa: E731
    close = lambda *_: Look(all_are(SHORT, 1.4), level(1.4), balance, False, np.zeros(3, bool))  # noqa: E731
    found, _ = decided_among(monkeypatch, first, closely=close)
    assert found == pytest.approx([1.4 if part == SHORT else SCALE] * 3)


def test_doubt_does_not_make_a_worse_scale_count(monkeypatch):
    found, tried = looked(monkeypatch, lambda scale: (scale, -abs(np.log(scale / SCALE)), True))
    assert np.unique(np.round(tried, 6)) == pytest.approx(SCALE * np.exp([-0.03, 0, 0.03]), abs=1e-6)
    assert found == pytest.approx([SCALE] * 3)


def test_where_a_look_moves_the_scale_another_follows_there_until_it_stands_still(monkeypatch):
    answers = lambda scale: (min(scale * 1.02, 1.52), scale, False)  # noqa: E731
    found, tried = looked(monkeypatch, answers)
    assert tried == pytest.approx([1.5, 1.52])
    assert found == pytest.approx([1.52] * 3)


def test_a_scale_that_keeps_moving_is_followed_three_looks_and_the_best_of_them_counts(monkeypatch):
    found, tried = looked(monkeypatch, lambda scale: (scale * 1.02, -scale, False))
    assert tried == pytest.approx([1.5, 1.53, 1.5606])
    assert found == pytest.approx([1.53] * 3)


def test_without_kin_what_was_decided_stays(monkeypatch):
    monkeypatch.setattr(kin_looks, "with_kin", lambda *_, **__: None)
    decided = all_are(LONG, SCALE)
    assert among_kin(None, decided, NOTHING) is decided
