"""The coarse search against direct normalised correlation, written out in NumPy and SciPy."""

import numpy as np
import pytest
from modeling_scenes import paint
from modeling_shapes import bracket, disc, plate
from scipy.signal import correlate

from kontur.geometry import PixelPose, angle_difference
from kontur.modeling.coarse_search import make_field, search
from kontur.modeling.edge_field import edge_field, pool
from kontur.modeling.templates import BankOptions, build_bank

SIZE_WH = (150, 110)
PARTS = (bracket(), plate(4), disc())
PLACED = [
    (0, PixelPose(42.0, 50.0, 0.5, 1.1)),
    (2, PixelPose(100.0, 30.0, 0.0, 1.15)),
    (1, PixelPose(104.0, 80.0, 0.2, 1.0)),
]
ENERGY_FLOOR = 0.005
LEAST_INSIDE = 0.3


def features_of(bank, picture):
    assert bank.reduction == 1, "so that px of the edge field are px of the picture"
    return pool(edge_field(picture, bank.reduction), bank.cell_px)


@pytest.fixture(scope="module")
def bank():
    return build_bank(
        PARTS, (1.0, 1.2), "both", BankOptions(radius_cells=9, angle_cells=1.2, scale_step=1.12, rank=1500, energy=1.0)
    )


@pytest.fixture(scope="module")
def features(bank):
    rng = np.random.default_rng(0)
    picture = paint(PARTS, PLACED, SIZE_WH).image.astype(float) + rng.normal(0, 6, (SIZE_WH[1], SIZE_WH[0], 3))
    return features_of(bank, np.clip(picture, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def field(bank, features):
    return make_field(bank, features)


def inside(items):
    """Candidates whose datum lies in the picture."""
    return [item for item in items if 0 <= item.u < SIZE_WH[0] and 0 <= item.v < SIZE_WH[1]]


def direct_scores(bank, features, group):
    """Scores of a group's templates at all places that a template's middle may take, (A, rows, columns).

    The picture lies in a sea of zeros. Correlation over the disc, divided by the picture's norm there: its energy less
    the square of its mean magnitude over the part of the disc that lies inside, a little for noise, and that share.
    """
    half = bank.size // 2
    wide = np.pad(features.astype(np.float64), ((0, 0), (half, half), (half, half)))
    known = np.pad(np.ones(features.shape[1:]), half)
    axis = np.arange(-half, half + 1)
    disc_mask = (axis[:, None] ** 2 + axis**2 <= group.radius_cells**2).astype(float)

    def over_disc(layer):
        return correlate(layer, disc_mask, "valid", method="direct")

    area = over_disc(known)
    share = area / disc_mask.sum()
    energy = over_disc((wide**2).sum(axis=0)) - over_disc(wide[0]) ** 2 / np.maximum(area, 1)
    norm = np.sqrt((np.maximum(energy, 0) + ENERGY_FLOOR * area) * share)
    templates = np.einsum("tk,kchw->tchw", bank.coefficients[slice(*group.rows)], bank.basis).astype(np.float64)
    raw = np.stack([sum(correlate(wide[c], t[c], "valid", method="direct") for c in range(3)) for t in templates])
    return np.where(share >= LEAST_INSIDE, raw / norm, 0)


def test_scores_are_direct_normalised_correlations(bank, features, field):
    """Of every candidate: its score is what its own template has at its place, computed without Fourier transforms."""
    scores = {}
    for item in inside(search(bank, field, 3, 0.1)):
        (group,) = (
            g
            for g in bank.groups
            if (g.part, g.flipped, g.scale_px_per_mm) == (item.part, item.flipped, item.scale_px_per_mm)
        )
        table = scores.setdefault(group.rows, direct_scores(bank, features, group))
        angle = int(np.flatnonzero(group.angles_rad == item.angle_rad)[0])
        column, row = ((x - (bank.cell_px - 1) / 2) / bank.cell_px for x in (item.u, item.v))
        assert (row, column) == (int(row), int(column)), "candidates lie in the middles of cells"
        assert item.score == pytest.approx(table[angle, int(row), int(column)], abs=2e-4)
    assert len(scores) >= len(PARTS)


def test_the_best_place_of_every_part_and_side_is_found(bank, features, field):
    found = search(bank, field, 3, 0.1)
    for kind in {(group.part, group.flipped) for group in bank.groups}:
        groups = [group for group in bank.groups if (group.part, group.flipped) == kind]
        best = max(direct_scores(bank, features, group).max() for group in groups)
        said = max(item.score for item in found if (item.part, item.flipped) == kind)
        assert said == pytest.approx(best, abs=2e-4)


def test_projections_are_direct_correlations_with_the_basis(bank, features, field):
    table = field.projections.reshape(len(bank.basis), *field.shape)
    half = bank.size // 2
    wide = np.pad(features, ((0, 0), (half + field.pad,) * 2, (half + field.pad,) * 2))
    rng = np.random.default_rng(1)
    for _ in range(40):
        k, row, column = (int(rng.integers(n)) for n in table.shape)
        patch = wide[:, row : row + bank.size, column : column + bank.size]
        assert table[k, row, column] == pytest.approx(float((patch * bank.basis[k]).sum()), abs=1e-4)


def test_what_lies_there_is_the_best_of_its_part(bank, field):
    found = search(bank, field, 3, 0.1)
    for part, pose in PLACED:
        best = max((item for item in found if item.part == part), key=lambda item: item.score)
        assert np.hypot(best.u - pose.u, best.v - pose.v) < 1.5 * bank.cell_px
        turn = angle_difference(best.angle_rad, pose.angle_rad, PARTS[part].symmetry)
        assert abs(turn) * PARTS[part].radius_mm * pose.scale_px_per_mm < 3 * bank.cell_px
        assert abs(np.log(best.scale_px_per_mm / pose.scale_px_per_mm)) < np.log(1.12)
        assert best.score > 0.4


def test_a_part_half_outside_is_found_at_its_datum(bank):
    pose = PixelPose(2.0, 60.0, 1.3, 1.1)
    picture = paint(PARTS, [(0, pose)], SIZE_WH).image
    found = search(bank, make_field(bank, features_of(bank, picture)), 5, 0.1)
    best = max((item for item in found if item.part == 0), key=lambda item: item.score)
    assert np.hypot(best.u - pose.u, best.v - pose.v) < 2 * bank.cell_px
    assert best.flipped == pose.flipped


@pytest.mark.parametrize(("most", "least"), [(1, 0.1), (4, 0.1), (4, 0.4)])
def test_limits_are_kept(bank, field, most, least):
    found = search(bank, field, most, least)
    for kind in {(item.part, item.flipped) for item in found}:
        places = {(item.u, item.v) for item in found if (item.part, item.flipped) == kind}
        assert len(places) <= most
    best = {}
    for item in found:
        key = (item.part, item.flipped, item.u, item.v)
        best[key] = max(best.get(key, 0), item.score)
    assert min(best.values()) >= least


def test_a_blank_picture_has_no_candidates(bank):
    blank = features_of(bank, np.full((SIZE_WH[1], SIZE_WH[0], 3), 90, np.uint8))
    assert search(bank, make_field(bank, blank), 5, 0.1) == []


def test_only_the_wanted_scales_are_searched(bank, field):
    scales = sorted({group.scale_px_per_mm for group in bank.groups})
    assert len(scales) > 1
    found = search(bank, field, 3, 0.1, (scales[1] - 1e-6, 10.0))
    assert {item.scale_px_per_mm for item in found} <= set(scales[1:])
    assert search(bank, field, 3, 0.1, (5.0, 6.0)) == []
