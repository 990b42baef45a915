"""Cells of a network's answer that no detection explains; shapely says which cells a part covers."""

import cv2
import numpy as np
import pytest
import shapely
from modeling_scenes import bracket, washer

from kontur.geometry import PixelPose
from kontur.modeling.appearance import Answer
from kontur.modeling.detections import from_poses
from kontur.modeling.heads import CELL_CENTRE_PX, STRIDE
from kontur.modeling.uncovered import uncovered

PARTS = (bracket(), washer())
SIZE_WH = (320, 240)
POSES = [PixelPose(90.0, 70.0, 0.4, 1.5), PixelPose(310.0, 230.0, 0.0, 1.5)]


def covered_cells(u, v, beyond_px):
    """Which cell centres lie in a part, or outside it by less than so much."""
    covered = np.zeros(u.shape, bool)
    for part, pose in zip(PARTS, POSES, strict=True):
        rings = [pose.apply(contour.points) for contour in part.contours]
        shape = shapely.Polygon(rings[0], rings[1:]).buffer(beyond_px)
        covered |= shapely.contains_xy(shape, u.ravel(), v.ravel()).reshape(u.shape)
    return covered


def with_neighbours(cells):
    """The cells and those next to them."""
    return cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


@pytest.mark.parametrize("zoom", [1.0, 0.5])
def test_cells_that_are_covered_and_those_next_to_them_are_denied_and_no_others(zoom):
    columns, rows = (round(size * zoom) // STRIDE for size in SIZE_WH)
    answer = Answer(np.ones((6, rows, columns), np.float32), (zoom, zoom))
    left = uncovered(answer, from_poses(SIZE_WH, [0, 1], [0.9, 0.9], POSES), PARTS).output
    i, k = np.mgrid[:rows, :columns]
    u, v = ((at * STRIDE + CELL_CENTRE_PX + 0.5) / zoom - 0.5 for at in (k, i))
    surely, perhaps = (covered_cells(u, v, beyond) for beyond in (-0.71, 0.71))  # a pixel stands for a centre near it
    denied = left[0] < 0
    assert np.count_nonzero(surely) > 15
    assert denied[with_neighbours(surely)].all()
    assert not denied[~with_neighbours(perhaps)].any()
    assert (left[1:] == 1).all()
    assert (answer.output == 1).all(), "the answer itself stays as it was"


def test_nothing_found_leaves_all():
    answer = Answer(np.ones((6, 60, 80), np.float32), (1.0, 1.0))
    nothing = from_poses(SIZE_WH, [], [], [])
    assert (uncovered(answer, nothing, PARTS).output == answer.output).all()
