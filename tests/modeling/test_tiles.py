"""Tiles: each part of a large picture is found once, where it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, washer

from kontur.geometry import PixelPose
from kontur.modeling.detections import from_poses
from kontur.modeling.tiles import TiledDetector, largest_part_px, tile_boxes

PARTS = (bracket(), washer())
LARGEST_PX = 60.0


@settings(max_examples=40)
@given(st.tuples(st.integers(50, 3000), st.integers(50, 3000)), st.integers(200, 900), st.integers(8, 90))
def test_tiles_cover_the_picture_and_cores_share_it_out(size_wh, tile_px, overlap_px):
    boxes = list(tile_boxes(size_wh, tile_px, overlap_px))
    seen, owned = np.zeros(size_wh[::-1], int), np.zeros(size_wh[::-1], int)
    for (x0, y0, x1, y1), (u0, v0, u1, v1) in boxes:
        assert 0 <= x0 < x1 <= size_wh[0]
        assert 0 <= y0 < y1 <= size_wh[1]
        assert x1 - x0 <= tile_px
        seen[y0:y1, x0:x1] += 1
        owned[max(0, v0) : v1, max(0, u0) : u1] += 1
        for low, high, start, end, side in ((u0, u1, x0, x1, size_wh[0]), (v0, v1, y0, y1, size_wh[1])):
            assert start == 0 or low - start >= overlap_px // 2
            assert end == side or end - high >= overlap_px // 2
    assert seen.min() == 1 or seen.min() == len(boxes)
    assert (owned == 1).all()


class Dots:
    """Finds white pixels; the shade of green tells the part."""

    parts = PARTS

    def __init__(self):
        self.sizes = []

    def detect(self, picture):
        self.sizes.append(picture.shape[:2])
        rows, columns = np.nonzero(picture[..., 2] == 255)
        poses = [PixelPose(float(u), float(v), 0.3, 1.0) for u, v in zip(columns, rows, strict=True)]
        return from_poses(
            (picture.shape[1], picture.shape[0]), picture[rows, columns, 1].astype(int), [0.8] * len(poses), poses
        )


@pytest.mark.parametrize("size_wh", [(700, 500), (1300, 410), (410, 999)])
def test_every_part_is_found_once_and_in_place(size_wh):
    rng = np.random.default_rng(1)
    picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    grid = np.stack(np.meshgrid(np.arange(3, size_wh[0], 29), np.arange(3, size_wh[1], 31)), -1).reshape(-1, 2)
    part = rng.integers(0, 2, len(grid))
    picture[grid[:, 1], grid[:, 0], 1], picture[grid[:, 1], grid[:, 0], 2] = part, 255
    inner = Dots()
    found = TiledDetector(inner, LARGEST_PX, large_px=400, tile_px=256).detect(picture)
    assert len(inner.sizes) > 1
    assert max(max(size) for size in inner.sizes) <= 256
    assert found.size_wh == size_wh
    got = sorted(zip(found.uv[:, 0], found.uv[:, 1], found.part, strict=True))
    assert got == sorted((float(u), float(v), k) for (u, v), k in zip(grid, part, strict=True))


def test_a_picture_that_is_not_large_is_seen_whole():
    inner = Dots()
    TiledDetector(inner, LARGEST_PX, large_px=400).detect(np.zeros((300, 400, 3), np.uint8))
    assert inner.sizes == [(300, 400)]


def test_two_parts_of_different_kind_may_share_a_place():
    """On the seam, where both tiles see both."""
    picture = np.zeros((200, 420, 3), np.uint8)
    picture[90, 205:213:4, 2] = 255
    picture[90, 205, 1] = 1
    found = TiledDetector(Dots(), 40.0, large_px=300, tile_px=256).detect(picture)
    assert sorted(found.part.tolist()) == [0, 1]


def test_the_largest_part_is_as_wide_as_it_can_look():
    """A bracket turned by any angle about its datum."""
    corners = np.concatenate([part.outer.points for part in PARTS])
    reach = max(np.linalg.norm(part.outer.points, axis=1).max() for part in PARTS)
    assert largest_part_px(PARTS, 0.5) == pytest.approx(2 * reach / 0.5)
    assert largest_part_px(PARTS, 0.5) >= np.ptp(corners[:, 0]) / 0.5
