"""Which bank a picture is searched with, and that coarse ones find what fine ones find."""

import numpy as np
import pytest
from modeling_shapes import bracket, coverage_picture, disc

from kontur.geometry import PixelPose
from kontur.modeling.ladder import RUNGS, Ladder
from kontur.modeling.shape_matching import make_matcher
from kontur.modeling.templates import BankOptions, build_bank

PARTS = (bracket(), disc())
LARGEST_PX = 70.0


@pytest.fixture
def built():
    return []


@pytest.fixture
def ladder(built):
    def build(options):
        built.append(options)
        return build_bank(PARTS[1:], (1.4, 1.5), "up", options)

    options = BankOptions()
    return Ladder(build_bank(PARTS[1:], (1.4, 1.5), "up", options), LARGEST_PX, options, build)


def test_small_pictures_are_searched_with_the_finest_bank(ladder, built):
    bank, _ = ladder.rung_for((640, 480))
    assert bank is ladder.finest
    assert built == []


@pytest.mark.parametrize("size_wh", [(1024, 1024), (2000, 1500), (4024, 3036), (6400, 4800)])
def test_the_field_that_is_searched_stays_small(ladder, built, size_wh):
    ladder.rung_for(size_wh)
    (options,) = built
    limits = {(changes.get("radius_px", 64.0), changes.get("radius_cells", 12.0)): most for most, changes in RUNGS}
    searched = size_wh[0] * size_wh[1] / options.reduction(LARGEST_PX) ** 2
    assert searched <= limits[options.radius_px, options.radius_cells]


def test_a_bank_is_made_once(ladder, built):
    first, second = ladder.rung_for((2000, 1500)), ladder.rung_for((2010, 1500))
    assert first[0] is second[0]
    assert len(built) == 1


def test_options_are_never_made_finer():
    assert BankOptions(radius_cells=5.0).coarser(radius_cells=8.0).radius_cells == 5.0


def test_parts_in_a_large_picture_are_found_as_exactly_as_in_a_small_one():
    rng = np.random.default_rng(0)
    matcher = make_matcher(PARTS, (0.64, 0.69), "both")
    placed = [
        (0, PixelPose(83.4, 62.7, 0.7, 1.5)),
        (0, PixelPose(88.1, 66.2, -2.2, 1.5, True)),
        (1, PixelPose(70.6, 71.3, 0.0, 1.5)),
    ]
    corners = [(1500, 1200), (100, 1300), (1700, 80)]
    picture = np.full((1500, 2000, 3), 60, np.uint8)
    for (part, pose), (x, y) in zip(placed, corners, strict=True):
        picture[y : y + 130, x : x + 170] = coverage_picture(PARTS[part], pose, (170, 130), (60, 190), 0.0, rng)
    noisy = picture + rng.normal(0, 3, picture.shape[:2])[..., None]
    found = matcher.detect(np.clip(np.round(noisy), 0, 255).astype(np.uint8))
    sure = found[found.score > 0.4]
    assert len(sure) == len(placed)
    for (part, pose), (x, y) in zip(placed, corners, strict=True):
        away = np.hypot(*(sure.uv - (pose.u + x, pose.v + y)).T)
        assert away.min() < 0.1
        assert sure.part[away.argmin()] == part
        assert sure.flipped[away.argmin()] == pose.flipped
