"""Features and templates: symmetries they must have, and NumPy's own decomposition."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_shapes import bracket, coverage_picture, disc, plate

from kontur.geometry import PixelPose
from kontur.modeling.templates import (
    BankOptions,
    angle_steps,
    build_bank,
    gradient_features,
    picture_features,
    scale_steps,
)
from kontur.modeling.templates import (
    disc as disc_of_cells,
)

COARSE = BankOptions(radius_cells=8, angle_cells=2.5, scale_step=1.15, rank=1000)
PARTS = (bracket(), plate(3), disc())


@pytest.fixture(scope="module")
def bank():
    """A bank so small that its basis spans all templates: nothing is lost."""
    return build_bank(PARTS, (1.0, 1.3), "both", COARSE)


@pytest.fixture
def cells():
    """A smooth random picture in three colours, 41 x 28 cells."""
    noise = np.random.default_rng(0).uniform(0, 255, (28, 41, 3)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def test_features_do_not_depend_on_the_sign_of_edges(cells):
    np.testing.assert_allclose(gradient_features(cells, 1.0), gradient_features(255 - cells, 1.0), atol=1e-4)


def test_features_do_not_depend_on_contrast_and_brightness(cells):
    np.testing.assert_allclose(gradient_features(cells, 1.0), gradient_features(0.3 * cells + 20, 1.0), atol=2e-3)


def test_turned_and_mirrored_pictures_have_turned_and_mirrored_features(cells):
    """The direction is doubled: a quarter turn negates both of its channels, a mirror the second one."""
    magnitude, cosine, sine = gradient_features(cells, 1.0)
    turned = gradient_features(np.ascontiguousarray(np.rot90(cells)), 1.0)
    np.testing.assert_allclose(turned, [np.rot90(magnitude), -np.rot90(cosine), -np.rot90(sine)], atol=1e-4)
    mirrored = gradient_features(np.ascontiguousarray(cells[:, ::-1]), 1.0)
    np.testing.assert_allclose(mirrored, [magnitude[:, ::-1], cosine[:, ::-1], -sine[:, ::-1]], atol=1e-4)


def test_features_lie_on_a_cone(cells):
    """The direction's length is the magnitude times its weight; the strongest edges reach 1."""
    for weight in (1.0, 0.5):
        magnitude, cosine, sine = gradient_features(cells, weight)
        np.testing.assert_allclose(np.hypot(cosine, sine), weight * magnitude, atol=1e-4)
        assert magnitude.max() == 1
        assert magnitude.min() >= 0


def test_a_flat_picture_has_no_features():
    assert np.abs(picture_features(np.full((90, 130, 3), 140, np.uint8), 3, 1.0)).max() == 0


@pytest.mark.parametrize("direction_deg", [0, 30, 45, 110])
def test_a_ramps_direction_is_doubled(direction_deg):
    direction = np.radians(direction_deg)
    v, u = np.mgrid[0:30, 0:44]
    ramp = (3 * (u * np.cos(direction) + v * np.sin(direction))).astype(np.float32)
    features = gradient_features(ramp, 1.0)[:, 15, 22]
    assert features == pytest.approx([1, np.cos(2 * direction), np.sin(2 * direction)], abs=1e-3)


def test_the_colour_that_changes_most_speaks():
    v, u = np.mgrid[0:30, 0:44].astype(np.float32)
    both = np.stack([np.zeros_like(u), 5 * u, 2 * v], axis=2)
    inner = np.s_[:, 1:-1, 1:-1]  # at the border no gradient leads outwards, so the other colour speaks there
    np.testing.assert_allclose(gradient_features(both, 1.0)[inner], gradient_features(5 * u, 1.0)[inner], atol=1e-4)


@pytest.mark.parametrize("size_wh", [(130, 90), (131, 92)])
def test_one_cell_per_square_of_px_the_rest_is_dropped(size_wh):
    picture = np.random.default_rng(1).integers(0, 255, (size_wh[1], size_wh[0], 3)).astype(np.uint8)
    features = picture_features(picture, 5, 1.0)
    assert features.shape == (3, 18, 26)
    np.testing.assert_array_equal(features, picture_features(picture[:90, :130], 5, 1.0))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 5), st.floats(1, 4), st.floats(1.01, 1.5))
def test_every_scale_is_at_most_half_a_step_from_one_of_those_tried(low, ratio, step):
    steps = np.array(scale_steps((low, low * ratio), step))
    for scale in np.geomspace(low, low * ratio, 60):
        assert np.abs(np.log(steps / scale)).min() <= np.log(step) / 2 + 1e-9
    assert len(steps) == 1 or len(steps) <= np.log(ratio) / np.log(step) + 1


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_angles_cover_one_period_and_move_the_rim_by_the_step_at_most(part):
    angles = angle_steps(part, 0.5, 1.7)
    if part.symmetry == 0:
        assert angles.tolist() == [0]
        return
    period = 2 * np.pi / part.symmetry
    gaps = np.diff([*angles, period])
    np.testing.assert_allclose(gaps, gaps[0])
    assert 0.8 * 1.7 < gaps[0] * part.radius_mm * 0.5 <= 1.7


def test_only_chiral_parts_get_a_back(bank):
    kinds = {(group.part, group.flipped) for group in bank.groups}
    assert kinds == {(0, False), (0, True), (1, False), (1, True), (2, False)}
    up = {
        (group.part, group.flipped) for group in build_bank(PARTS, (1.0, 1.1), "up", BankOptions(5, 5.0, 1.2, 4)).groups
    }
    assert up == {(0, False), (1, False), (2, False)}


def templates_of(bank):
    return np.einsum("tk,kchw->tchw", bank.coefficients, bank.basis)


def test_groups_share_out_all_rows(bank):
    rows = [row for group in bank.groups for row in range(*group.rows)]
    assert rows == list(range(len(bank.coefficients)))
    assert all(group.rows[1] - group.rows[0] == len(group.angles_rad) for group in bank.groups)


def test_the_basis_is_orthonormal(bank):
    flat = bank.basis.reshape(len(bank.basis), -1).astype(np.float64)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-4)


def test_templates_have_unit_norm_no_mean_magnitude_and_nothing_outside_their_disc(bank):
    templates, half = templates_of(bank), bank.size // 2
    np.testing.assert_allclose((templates**2).sum(axis=(1, 2, 3)), 1, atol=1e-3)
    for group in bank.groups:
        own = templates[slice(*group.rows)]
        axis = np.arange(-half, half + 1)
        inside = axis[:, None] ** 2 + axis**2 <= group.radius_cells**2
        np.testing.assert_array_equal(disc_of_cells(group.radius_cells, half), inside)
        assert np.abs(own[:, :, ~inside]).max() < 1e-3
        assert np.abs(own[:, 0][:, inside].sum(axis=1)).max() < 1e-2


@pytest.mark.parametrize("index", [0, 3])
def test_a_template_correlates_with_a_picture_of_its_part(bank, index):
    """An ideal picture by shapely's exact coverage, at the pose of the template: nearly 1, and best at its own angle."""
    group = bank.groups[index]
    middle = bank.size // 2
    row = len(group.angles_rad) // 3
    centre = middle * bank.reduction + (bank.reduction - 1) / 2
    pose = PixelPose(centre, centre, float(group.angles_rad[row]), group.scale_px_per_mm, group.flipped)
    picture = coverage_picture(PARTS[group.part], pose, (bank.size * bank.reduction + 1, bank.size * bank.reduction))
    features = picture_features(picture, bank.reduction, bank.direction_weight).astype(np.float64)
    inside = disc_of_cells(group.radius_cells, middle)
    features = features * inside
    features[0] -= features[0].sum() / inside.sum() * inside
    scores = (templates_of(bank)[slice(*group.rows)] * features).sum(axis=(1, 2, 3)) / np.linalg.norm(features)
    assert scores.argmax() == row
    assert scores[row] > 0.97


def test_a_common_basis_keeps_nearly_as_much_as_the_best_one(bank):
    """Eckart and Young: no basis of rank K keeps more energy than the K first singular values."""
    rank = 24
    small = build_bank(PARTS, (1.0, 1.3), "both", BankOptions(8, 2.5, 1.15, rank))
    assert small.basis.shape[0] == rank
    singular = np.linalg.svd(templates_of(bank).reshape(len(bank.coefficients), -1), compute_uv=False)
    best = (singular[:rank] ** 2).sum()
    assert 0.995 * best < (small.coefficients**2).sum() <= best * (1 + 1e-4)
    assert best < 0.98 * len(bank.coefficients), "the rank is small enough to lose something"
