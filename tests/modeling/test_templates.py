"""Templates: symmetries they must have, and NumPy's own decomposition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_shapes import bracket, coverage_picture, disc, plate

from kontur.geometry import PixelPose
from kontur.modeling.edge_field import edge_field, pool
from kontur.modeling.templates import (
    BankOptions,
    angle_steps,
    build_bank,
    scale_steps,
    size_classes,
)
from kontur.modeling.templates import (
    disc as disc_of_cells,
)

COARSE = BankOptions(radius_cells=8, angle_cells=2.5, scale_step=1.15, rank=1000, energy=1.0)
PARTS = (bracket(), plate(3), disc())


@pytest.fixture(scope="module")
def bank():
    """A bank so small that its basis spans all templates: nothing is lost."""
    return build_bank(PARTS, (1.0, 1.3), "both", COARSE)


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
        (group.part, group.flipped)
        for group in build_bank(PARTS, (1.0, 1.1), "up", BankOptions(64, 5, 5.0, 1.2, 4)).groups
    }
    assert up == {(0, False), (1, False), (2, False)}


def test_classes_of_size_hold_every_part_once_and_span_a_factor_of_two():
    parts = [disc(radius) for radius in (40.0, 3.0, 21.0, 9.0, 39.0, 4.0, 11.0, 18.0)]
    classes = size_classes(parts)
    assert sorted(index for members in classes for index in members) == list(range(len(parts)))
    for members in classes:
        radii = [parts[index].radius_mm for index in members]
        assert max(radii) <= 2 * min(radii)
    assert classes == [(0, 4), (2, 7), (3, 6), (1, 5)]


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
    cell = bank.cell_px
    centre = middle * cell + (cell - 1) / 2
    pose = PixelPose(centre, centre, float(group.angles_rad[row]), group.scale_px_per_mm, group.flipped)
    picture = coverage_picture(PARTS[group.part], pose, (bank.size * cell + 1, bank.size * cell))
    features = pool(edge_field(picture), cell).astype(np.float64)
    inside = disc_of_cells(group.radius_cells, middle)
    features = features * inside
    features[0] -= features[0].sum() / inside.sum() * inside
    scores = (templates_of(bank)[slice(*group.rows)] * features).sum(axis=(1, 2, 3)) / np.linalg.norm(features)
    assert scores.argmax() == row
    assert scores[row] > 0.9


def test_a_common_basis_keeps_nearly_as_much_as_the_best_one(bank):
    """Eckart and Young: no basis of rank K keeps more energy than the K first singular values."""
    rank = 24
    small = build_bank(PARTS, (1.0, 1.3), "both", BankOptions(64, 8, 2.5, 1.15, rank))
    assert small.basis.shape[0] == rank
    singular = np.linalg.svd(templates_of(bank).reshape(len(bank.coefficients), -1), compute_uv=False)
    best = (singular[:rank] ** 2).sum()
    assert 0.995 * best < (small.coefficients**2).sum() <= best * (1 + 1e-4)
    assert best < 0.98 * len(bank.coefficients), "the rank is small enough to lose something"
