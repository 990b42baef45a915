"""What the bundle of plane and contours solves: against one dense solve of all unknowns, and against pinhole cameras."""

import numpy as np
import pytest
from modeling_shapes import bracket, plate

from kontur.geometry.camera import tilted_camera
from kontur.modeling.bundle import _derivatives, _Said, _solved
from kontur.modeling.contour_model import model_batch
from kontur.modeling.detections import unregistered
from kontur.modeling.fit_state import Fit, place
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.reading_fit import OFFSET_DEVIATION_PX
from kontur.modeling.refine import RegistrationOptions
from kontur.modeling.views import Views

SIZE_WH = (320, 240)
PX_PER_MM = 1.2
HELD = np.array([10.0, 10.0, 0.1, 3e4, OFFSET_DEVIATION_PX])
"""Standard deviations of a contour's own unknowns."""


def said_at_random(rng, count=4, points=15):
    """Readings of contours; of the last one nothing is seen, and nothing ties its scale."""
    sure = rng.uniform(0.5, 8, (count, points)) * (rng.random((count, points)) < 0.8)
    tied = rng.uniform(1e3, 3e4, count)
    sure[-1], tied[-1] = 0, 0
    moves = rng.normal(0, [1, 1, 20, 20, 1], (count, points, 5))
    shapes = rng.normal(0, [5, 5, 1, 0], (count, points, 4))
    target = rng.normal(0, 1, (count, points))
    return _Said(
        target, sure, np.ones_like(sure), moves, shapes, rng.normal(0, 0.02, count), rng.normal(0, 1, (count, 4)), tied
    )


def solved_at_once(said, prior, away):
    """Return the plane's change (4,) and the contours' motions (N, 5) of one least-squares problem."""
    count = len(said.target)
    rows, right = [np.hstack([np.diag(np.sqrt(prior)), np.zeros((4, 5 * count))])], [-np.sqrt(prior) * away]
    for n in range(count):
        own = np.zeros((5, 5 * count))
        own[:, 5 * n : 5 * n + 5] = np.eye(5)
        root = np.sqrt(said.sure[n])[:, None]
        rows += [
            root * np.hstack([said.shapes[n], said.moves[n] @ own]),
            np.sqrt(said.tied[n]) * np.hstack([-said.scales[n], own[3]])[None],
            np.hstack([np.zeros((5, 4)), own / HELD[:, None]]),
        ]
        right += [root[:, 0] * said.target[n], [np.sqrt(said.tied[n]) * said.lacking[n]], np.zeros(5)]
    found = np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=None)[0]
    return found[:4], found[4:].reshape(count, 5)


@pytest.mark.parametrize("seed", range(4))
def test_to_eliminate_the_contours_own_unknowns_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    said, away = said_at_random(rng), rng.normal(0, 0.3, 4)
    prior = np.array([25.0, 25.0, 8.0, 1.0])
    change, wrong = _solved(said, said.sure, prior, away)
    expected, motions = solved_at_once(said, prior, away)
    np.testing.assert_allclose(change, expected, rtol=1e-7, atol=1e-9)
    left = said.target - np.einsum("nmk,nk->nm", said.moves, motions) - said.shapes @ expected
    np.testing.assert_allclose(wrong, left, rtol=0, atol=1e-7)


def test_readings_without_weight_have_no_say_in_the_plane():
    said, prior = said_at_random(np.random.default_rng(7)), np.ones(4)
    shouted = np.where(said.sure == 0, 1e3, said.target)
    assert (shouted != said.target).any()
    plain, other = (_solved(item, said.sure, prior, np.zeros(4))[0] for item in (said, said._replace(target=shouted)))
    np.testing.assert_allclose(other, plain, rtol=1e-9)


def test_with_nothing_seen_the_plane_goes_where_it_is_expected():
    said = said_at_random(np.random.default_rng(8))
    blind = said._replace(sure=np.zeros_like(said.sure), tied=np.zeros(len(said.tied)))
    away = np.array([0.3, -0.2, 0.1, 0.0])
    change, wrong = _solved(blind, blind.sure, np.array([25.0, 25.0, 8.0, 1.0]), away)
    np.testing.assert_allclose(change, -away, atol=1e-12)
    np.testing.assert_allclose(wrong, said.target + said.shapes @ away, atol=1e-12)


STANCES = [((160, 120), 1.0), ((60, 70), 0.3), ((250, 60), 2.0), ((165, 190), 4.0)]
TRUE = Plane((0.28, -0.17), 300.0, level_plane(SIZE_WH).middle_uv, float(np.log(PX_PER_MM)))
STEPS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) * 2e-3


def camera_of(u, v, focal_px):
    """The homography of a pinhole camera that sees a plane of this slope."""
    tilt, towards = np.arctan(np.hypot(u, v)), np.arctan2(-v, u)
    return tilted_camera(SIZE_WH, PX_PER_MM, focal_px / PX_PER_MM, tilt, towards).homography


def changed_camera(change):
    """That of the true plane, its slopes changed and its focal length and slopes scaled."""
    factor = np.exp(change[2])
    u, v = (np.array(TRUE.slope_uv) + change[:2]) * factor
    return camera_of(u, v, TRUE.focal_px * factor)


def placed_by(camera, uv, theta):
    """The homography of a part whose datum is seen at a place of the picture."""
    at = np.linalg.solve(camera, [*uv, 1.0])
    c, s = np.cos(theta), np.sin(theta)
    matrix = camera @ np.array([[c, -s, at[0] / at[2]], [s, c, at[1] / at[2]], [0, 0, 1]])
    return matrix / matrix[2, 2]


def projected(matrix, points):
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped[..., :2] / mapped[..., 2:]


def log_scale(matrix):
    """Of the datum's surroundings: half the log of the area of what a small square becomes."""
    along, across = (
        np.diff(projected(matrix, side), axis=0)[0] for side in np.array([[[-1, 0], [1, 0]], [[0, -1], [0, 1]]]) * 0.01
    )
    return 0.5 * np.log(abs(along[0] * across[1] - along[1] * across[0]) / 0.02**2)


@pytest.fixture(scope="module")
def laid():
    """Four contours on a tilted plane, the first in the middle: model, how they lie, and their derivatives."""
    matrices = np.array([placed_by(changed_camera(np.zeros(3)), *stance) for stance in STANCES])
    source = Views(np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)).edges(0.7)
    found = unregistered(SIZE_WH, np.array([0, 0, 1, 0]), np.ones(4), matrices, np.zeros(4, bool))
    model, fit = model_batch(found, (bracket(), plate(4)), RegistrationOptions()), Fit(matrices, np.zeros(4), TRUE)
    placed = place(source, model, fit)
    return model, placed, _derivatives(source, model, fit, placed)


@pytest.mark.parametrize("k", range(3))
def test_contours_change_shape_with_the_plane_as_a_pinhole_camera_sees_it(laid, k):
    """What a similarity of a contour undoes is its own affair: it is taken from both.

    A contour is put back to its datum in the picture, not on the plane: far from the middle that is not quite the same.
    """
    model, placed, (shapes, _) = laid
    for n, stance in enumerate(STANCES):
        there, here = (
            projected(placed_by(changed_camera(sign * STEPS[k]), *stance), model.points_mm[n]) for sign in (1, -1)
        )
        moved = ((there - here) * placed.normals_px[n]).sum(axis=1) / (2 * STEPS[k, k])
        seen = placed.weight[n] > 0
        undone = np.eye(seen.sum()) - placed.rows[n, seen] @ np.linalg.pinv(placed.rows[n, seen])
        expected, told = undone @ moved[seen], undone @ shapes[n, seen, k]
        assert np.abs(expected).max() > 0.5
        near_middle = n == 0
        assert np.abs(told - expected).max() < (0.05 if near_middle else 0.2) * np.abs(expected).max()


def test_the_scale_of_the_plane_changes_no_shape(laid):
    _, _, (shapes, scales) = laid
    assert not shapes[..., 3].any()
    assert (scales[:, 3] == 1).all()


@pytest.mark.parametrize("k", range(3))
def test_local_scales_change_with_the_plane_as_a_pinhole_camera_sees_them(laid, k):
    _, _, (_, scales) = laid
    for n, stance in enumerate(STANCES):
        there, here = (log_scale(placed_by(changed_camera(sign * STEPS[k]), *stance)) for sign in (1, -1))
        assert scales[n, k] == pytest.approx((there - here) / (2 * STEPS[k, k]), rel=0.05, abs=0.01)
