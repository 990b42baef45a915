import numpy as np
import pytest
from modeling_shapes import bracket, coverage, disc, plate

from kontur.errors import ModelError
from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.rivals import find_rivals
from kontur.modeling.shape_matching import ShapeMatcher, make_matcher
from kontur.modeling.template_store import bank_key, bank_path, open_banks, read_bank, stored_banks
from kontur.modeling.templates import BankOptions, build_bank, scale_steps

PARTS = (bracket(), plate(3), plate(4), disc())
SIZE_WH = (400, 300)
MM_PER_PX = (0.6, 0.8)
SCALE = 1.45
TRUTH = [
    (0, PixelPose(90.3, 80.7, 0.6, SCALE)),
    (0, PixelPose(320.6, 90.2, 2.4, SCALE, flipped=True)),
    (2, PixelPose(110.4, 220.9, 1.1, SCALE)),
    (1, PixelPose(230.0, 180.5, -0.7, SCALE)),
    (3, PixelPose(340.2, 230.4, 0.0, SCALE)),
]


@pytest.fixture(scope="module")
def matcher():
    return make_matcher(PARTS, MM_PER_PX, "both")


def scene(truth, invert=False, seed=3):
    rng = np.random.default_rng(seed)
    grey = 70 + rng.normal(0, 3, SIZE_WH[::-1])
    for level, (part, pose) in zip(rng.uniform(150, 200, len(truth)), truth, strict=True):
        share = coverage(PARTS[part], pose, SIZE_WH)
        grey = grey * (1 - share) + level * share
    grey = 255 - grey if invert else grey
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, 2)


def assert_found(found, truth):
    sure = found[found.score > 0.3]
    assert len(sure) == len(truth)
    for part, pose in truth:
        index = int(np.hypot(*(sure.uv - (pose.u, pose.v)).T).argmin())
        assert sure.part[index] == part
        assert np.hypot(*(sure.uv[index] - (pose.u, pose.v))) < 0.15
        angle, scale = (values[index] for values in sure.similarity)
        assert scale == pytest.approx(pose.scale_px_per_mm, rel=0.01)
        if PARTS[part].chiral:
            assert sure.flipped[index] == pose.flipped
            assert abs(angle_difference(angle, pose.angle_rad, PARTS[part].symmetry)) < np.radians(0.3)


@pytest.mark.parametrize("invert", [False, True], ids=["bright on dark", "dark on bright"])
def test_many_parts_at_an_unknown_scale_are_found(matcher, invert):
    assert_found(matcher.detect(scene(TRUTH, invert)), TRUTH)


def test_a_part_cut_by_the_border_is_found(matcher):
    truth = [*TRUTH[:3], (0, PixelPose(392.0, 200.0, 0.9, SCALE))]
    found = matcher.detect(scene(truth))
    index = int(np.hypot(*(found.uv - (392, 200)).T).argmin())
    assert found.part[index] == 0
    assert np.hypot(*(found.uv[index] - (392, 200))) < 0.5


def test_an_empty_table_gives_nothing_that_scores(matcher):
    found = matcher.detect(scene([]))
    assert len(found) == 0 or found.score.max() < 0.2


def test_look_alikes_know_each_other(matcher):
    rivals = find_rivals(matcher.banks)
    assert {rival.part for rival in rivals[(1, False)]} >= {1, 2}, "three holes: four holes, and itself turned by 180"
    turned = [rival.turn_rad for rival in rivals[(1, False)] if rival.part == 1]
    assert any(abs(turn - np.pi) < 0.15 for turn in turned)


def test_scales_cover_the_range():
    scales = np.array(scale_steps((1.2, 1.8), 1.07))
    anywhere = np.linspace(1.2, 1.8, 200)
    nearest = np.abs(np.log(anywhere[:, None] / scales[None])).min(axis=1)
    assert nearest.max() <= np.log(1.07) / 2 + 1e-9
    assert scale_steps((1.5, 1.5), 1.07) == [1.5]


def test_templates_have_unit_norm_and_the_basis_keeps_most_of_it():
    bank = build_bank(PARTS, (1.4, 1.5), "up", BankOptions(rank=64))
    kept = (bank.coefficients**2).sum(axis=1)
    assert (kept <= 1 + 1e-4).all()
    assert kept.min() > 0.8
    basis = bank.basis.reshape(len(bank.basis), -1)
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-3)
    assert not any(group.flipped for group in bank.groups)


def test_stored_templates_read_back_and_follow_the_drawing(tmp_path):
    options = BankOptions(rank=32)
    (bank,) = open_banks(tmp_path, PARTS[:1], (1.4, 1.5), "up", options)
    (again,) = open_banks(tmp_path, PARTS[:1], (1.4, 1.5), "up", options)
    np.testing.assert_array_equal(bank.coefficients, again.coefficients)
    np.testing.assert_array_equal(bank.basis, again.basis)
    assert [g.rows for g in bank.groups] == [g.rows for g in again.groups]
    assert [row["parts"][0]["name"] for row in stored_banks(tmp_path)] == ["bracket"]
    paths = {bank_path(tmp_path, bank_key(p, (1.4, 1.5), "up", options)) for p in (PARTS[:1], PARTS[1:2], PARTS[:2])}
    assert len(paths) == 3
    assert isinstance(ShapeMatcher(PARTS[:1], [again]).parts, tuple)


def test_damaged_templates_are_told_of(tmp_path):
    path = tmp_path / "templates-0.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="remove it"):
        read_bank(path)
