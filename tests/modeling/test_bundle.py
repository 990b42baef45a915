"""Pictures of a pinhole camera whose tilt and focal length are known, in flat grey: the plane must be found again."""

from dataclasses import replace

import numpy as np
import pytest
from modeling_shapes import bracket, plate, polygon_coverage

from kontur.geometry import PixelPose
from kontur.geometry.camera import tilted_camera
from kontur.modeling.bundle import fit_together, is_steep
from kontur.modeling.common_plane import move_to_plane
from kontur.modeling.contour_model import model_batch
from kontur.modeling.detections import from_poses, unregistered
from kontur.modeling.fit_state import Fit
from kontur.modeling.plane import Plane, level_plane
from kontur.modeling.refine import RegistrationOptions, register
from kontur.modeling.support import support_of
from kontur.modeling.views import Views

SIZE_WH = (320, 240)
PARTS = (bracket(), plate(4))
KINDS = [0, 1, 0, 1, 0, 1]
STANCES = [(-70, 45, 0.3), (5, 50, 1.1), (75, 40, 2.0), (-70, -40, 4.0), (0, -45, 5.0), (70, -45, 0.8)]
PX_PER_MM = 1.2
LEVEL = level_plane(SIZE_WH)


def seen_by(tilt_deg, towards_deg, focal_px):
    """The picture, (6, 3, 3) true homographies and the true plane."""
    tilt, towards = np.radians((tilt_deg, towards_deg))
    camera = tilted_camera(SIZE_WH, PX_PER_MM, focal_px / PX_PER_MM, tilt, towards)
    slope = np.tan(tilt) * np.array([np.cos(towards), -np.sin(towards)])
    plane = Plane((slope[0], slope[1]), focal_px, LEVEL.middle_uv, float(np.log(PX_PER_MM)))
    picture, matrices = np.full((SIZE_WH[1], SIZE_WH[0], 3), 60.0), []
    for kind, (x, y, theta) in zip(KINDS, STANCES, strict=True):
        c, s = np.cos(theta), np.sin(theta)
        matrix = camera.homography @ np.array([[c, -s, x], [s, c, y], [0, 0, 1]])
        matrices.append(matrix / matrix[2, 2])
        rings = [projected(matrix, contour.points) for contour in PARTS[kind].contours]
        picture += polygon_coverage(rings, SIZE_WH)[..., None] * 130
    return picture.round().astype(np.uint8), np.array(matrices), plane


def projected(matrix, points):
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped[:, :2] / mapped[:, 2:]


def on(plane, matrices, other):
    """Homographies of one plane, moved to another."""
    moved = np.empty_like(matrices)
    move_to_plane(matrices, other.both_ways[0] @ plane.both_ways[1], moved)
    return moved


@pytest.mark.parametrize("share", [0.65, 1.0, 1.5])
def test_shapes_tell_the_focal_length_and_the_tilt(share):
    """It starts from the right change of scale across the picture, as a lens of the nominal length would have it."""
    picture, matrices, true = seen_by(14, 30, share * LEVEL.focal_px)
    slope = tuple((np.array(true.slope_uv) / share).tolist())
    start = replace(LEVEL, slope_uv=slope, log_scale=true.log_scale)
    source = Views(picture).edges(0.7)
    found = unregistered(SIZE_WH, np.array(KINDS), np.ones(6), matrices, np.zeros(6, bool))
    model = model_batch(found, PARTS, RegistrationOptions())
    fit = Fit(on(true, matrices, start), np.zeros(6), start)
    for _ in range(4):
        fit = fit_together(source, model, fit, support_of(source, model, fit, 1.25))
    assert fit.plane.focal_px == pytest.approx(true.focal_px, rel=0.1)
    assert fit.plane.slope_uv == pytest.approx(true.slope_uv, abs=0.02)
    assert fit.plane.log_scale == pytest.approx(true.log_scale, abs=0.004)


@pytest.mark.parametrize("share", [0.65, 1.5])
def test_parts_under_strong_tilt_are_registered_in_their_true_shape(share):
    picture, matrices, _ = seen_by(14, 200, share * LEVEL.focal_px)
    level = from_poses(
        SIZE_WH,
        KINDS,
        [0.9] * 6,
        [PixelPose(*matrix[:2, 2], theta, 1.2) for matrix, (_, _, theta) in zip(matrices, STANCES, strict=True)],
    )
    found = register(picture, level, PARTS)
    corners = np.array([[20.0, 15.0], [-20.0, 15.0], [0.0, -20.0]])
    wrong = [np.abs(found.project(k, corners) - projected(matrices[k], corners)).max() for k in range(6)]
    assert max(wrong) < 0.35


def test_on_a_plane_that_is_known_one_part_alone_is_registered_in_its_true_shape():
    """A single part tells no tilt: without the plane its corners lie off by more."""
    picture, matrices, plane = seen_by(14, 200, LEVEL.focal_px)
    _, _, theta = STANCES[0]
    start = from_poses(SIZE_WH, KINDS[:1], [0.9], [PixelPose(*matrices[0][:2, 2], theta, 1.2)])
    corners = np.array([[20.0, 15.0], [-20.0, 15.0], [0.0, -20.0]])
    wrong = [
        np.abs(register(picture, start, PARTS, plane=known).project(0, corners) - projected(matrices[0], corners)).max()
        for known in (plane, None)
    ]
    assert wrong[0] < 0.15 < 2 * wrong[0] < wrong[1]


def test_too_few_parts_change_nothing():
    picture, matrices, true = seen_by(14, 30, LEVEL.focal_px)
    source, found = (
        Views(picture).edges(0.7),
        unregistered(SIZE_WH, np.array(KINDS), np.ones(6), matrices, np.zeros(6, bool)),
    )
    model, fit = model_batch(found, PARTS, RegistrationOptions()), Fit(matrices, np.zeros(6), true)
    few = np.arange(2)
    same = fit_together(source, model[few], fit[few], support_of(source, model[few], fit[few], 1.25))
    assert same.plane == true
    np.testing.assert_array_equal(same.matrix, matrices[:2])


def test_a_plane_is_steep_when_it_is_known_and_tilted():
    assert not is_steep(LEVEL)
    assert not is_steep(replace(LEVEL, slope_uv=(0.2, 0.1)))
    assert not is_steep(replace(LEVEL, slope_uv=(0.02, 0.01), log_scale=0.3))
    assert is_steep(replace(LEVEL, slope_uv=(0.2, 0.1), log_scale=0.3))
