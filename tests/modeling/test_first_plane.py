"""The plane that parts agree on: agreements made by formula, with a peak at the scale that each has on a known plane."""

from dataclasses import replace

import numpy as np
import pytest

from kontur.modeling.first_plane import agreed_plane
from kontur.modeling.plane import level_plane

SIZE_WH = (640, 480)
SCALES = np.geomspace(1.0, 2.2, 28)
PLACES = np.array([(u, v) for u in (60.0, 320.0, 580.0) for v in (60.0, 420.0)])


def plane(slope_uv, scale=1.5):
    return replace(level_plane(SIZE_WH), slope_uv=slope_uv, log_scale=float(np.log(scale)))


def agreement(px_per_mm, height=0.8):
    """(V, S): a bell of 5 % around the scale of each part."""
    away = np.log(SCALES) - np.log(np.asarray(px_per_mm))[:, None]
    return height * np.exp(-0.5 * (away / 0.05) ** 2)


@pytest.mark.parametrize("slope_uv", [(0.0, 0.0), (0.24, 0.0), (-0.16, 0.16), (0.0, -0.08)])
@pytest.mark.parametrize("scale", [1.35, 1.7])
def test_the_tilt_and_the_scale_of_parts_are_found(slope_uv, scale):
    true = plane(slope_uv, scale)
    found = agreed_plane(SIZE_WH, PLACES, np.ones(6), SCALES, agreement(true.scale_at(PLACES)))
    assert found.slope_uv == pytest.approx(slope_uv, abs=0.081), "to a step of those tried"
    assert found.scale_at(PLACES) == pytest.approx(true.scale_at(PLACES), rel=0.035)


def test_one_part_tells_a_scale_and_no_tilt():
    found = agreed_plane(SIZE_WH, PLACES[:1], np.ones(1), SCALES, agreement([1.5]))
    assert found.slope_uv == (0, 0)
    assert found.scale_at(PLACES[:1]) == pytest.approx(1.5, rel=0.02)


def test_a_part_that_is_not_sure_has_little_say():
    """One of six agrees at a far smaller scale."""
    scales = np.full(6, 1.6)
    scales[2] = 1.1
    share = np.array([1, 1, 0.1, 1, 1, 1])
    found = agreed_plane(SIZE_WH, PLACES, share, SCALES, agreement(scales))
    assert found.slope_uv == (0, 0)
    assert np.exp(found.log_scale) == pytest.approx(1.6, rel=0.02)


def test_where_the_scale_is_given_there_is_no_other():
    given = np.array([1.4, 1.4])
    found = agreed_plane(SIZE_WH, PLACES, np.ones(6), given, np.random.default_rng(0).random((6, 1)) * np.ones(2))
    assert found.slope_uv == (0, 0)
    assert np.exp(found.log_scale) == pytest.approx(1.4)


def test_parts_that_agree_on_nothing_lie_level():
    found = agreed_plane(SIZE_WH, PLACES, np.ones(6), SCALES, np.zeros((6, len(SCALES))))
    assert found.slope_uv == (0, 0)
