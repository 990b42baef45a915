"""The matcher as a whole: what it finds is exact, repeatable, and nothing where nothing is."""

import ezdxf
import numpy as np
import pytest
from modeling_shapes import bracket, coverage_picture, disc

from kontur.errors import ConfigError
from kontur.geometry import PixelPose
from kontur.modeling.shape_matching import MatchingOptions, load_matcher, make_matcher
from kontur.modeling.templates import BankOptions
from kontur.scaffold import create_workspace
from kontur.workspace import Workspace

PARTS = (bracket(), disc())
SIZE_WH = (170, 130)
QUICK = MatchingOptions(bank=BankOptions(radius_cells=12, angle_cells=2.2))


@pytest.fixture(scope="module")
def matcher():
    return make_matcher(PARTS, (0.64, 0.69), "both", QUICK)


@pytest.mark.parametrize(
    ("part", "pose", "levels"),
    [
        (0, PixelPose(83.4, 62.7, 0.7, 1.5), (60, 190)),
        (0, PixelPose(88.1, 66.2, -2.2, 1.5, True), (200, 50)),
        (1, PixelPose(70.6, 71.3, 0.0, 1.5), (90, 150)),
    ],
)
def test_one_part_is_found_to_hundredths_of_a_pixel_and_the_picture_is_left_alone(matcher, part, pose, levels):
    picture = coverage_picture(PARTS[part], pose, SIZE_WH, levels, 3.0, np.random.default_rng(0))
    before = picture.copy()
    found, again = matcher.detect(picture), matcher.detect(picture)
    assert (found.part.tolist(), found.flipped.tolist()) == ([part], [pose.flipped])
    got = found.pose(0)
    assert np.hypot(got.u - pose.u, got.v - pose.v) < 0.1
    if part == 0:
        assert np.degrees(abs((got.angle_rad - pose.angle_rad + np.pi) % (2 * np.pi) - np.pi)) < 0.1
    assert got.scale_px_per_mm == pytest.approx(pose.scale_px_per_mm, rel=3e-3)
    np.testing.assert_array_equal(found.matrix, again.matrix)
    np.testing.assert_array_equal(found.score, again.score)
    np.testing.assert_array_equal(picture, before)


def test_noise_holds_no_parts(matcher):
    noise = np.random.default_rng(1).normal(120, 15, (SIZE_WH[1], SIZE_WH[0], 3))
    assert len(matcher.detect(np.clip(noise, 0, 255).astype(np.uint8))) == 0


@pytest.mark.parametrize("size_wh", [(8, 5), (41, 30)])
def test_pictures_smaller_than_parts_hold_none(matcher, size_wh):
    rng = np.random.default_rng(2)
    assert len(matcher.detect(rng.integers(0, 255, (size_wh[1], size_wh[0], 3)).astype(np.uint8))) == 0


# --- a workspace's matcher -------------------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    document = ezdxf.new("R2010", units=4)
    document.modelspace().add_circle((0, 0), 16)
    document.saveas(tmp_path / "round.dxf")
    return create_workspace(tmp_path / "workspace", [tmp_path / "round.dxf"])


@pytest.mark.parametrize("mm_per_px", [(0.8, 0.5), (0.0, 0.5), (-1.0, 0.5)])
def test_an_impossible_scale_range_is_refused(workspace, mm_per_px):
    with pytest.raises(ConfigError, match="two positive numbers, the lower one first"):
        load_matcher(workspace, mm_per_px)


def test_parts_too_small_to_be_found_are_refused_by_name(workspace):
    """The disc is 32 mm across: 12.8 px at 2.5 mm/px, 10.7 px at 3."""
    assert load_matcher(workspace, (2.5, 2.6)).parts
    with pytest.raises(ConfigError, match=r"too small to be found at 3 mm/px: round \(10\.7 px\); .* 12 px across"):
        load_matcher(workspace, (3.0, 3.1))
    with pytest.raises(ConfigError, match="disc"):
        make_matcher((bracket(), disc(2.0)), (0.5, 0.6), "both")


def test_small_parts_on_a_plain_table_are_found_on_both_sides():
    """Brackets 20 px long, with a hole of 2.5 px."""
    small = make_matcher((bracket(),), (1.9, 2.1), "both")
    poses = [PixelPose(30.3, 40.2, 0.7, 0.5), PixelPose(90.6, 60.1, 2.9, 0.5, True), PixelPose(140.2, 100.4, -1.2, 0.5)]
    levels = [coverage_picture(bracket(), pose, SIZE_WH, (0, 255))[..., 0] / 255 for pose in poses]
    grey = 70 + 100 * np.sum(levels, axis=0) + np.random.default_rng(5).normal(0, 3, levels[0].shape)
    found = small.detect(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2))
    assert len(found) == len(poses)
    for pose in poses:
        nearest = int(np.linalg.norm(found.uv - (pose.u, pose.v), axis=1).argmin())
        assert np.linalg.norm(found.uv[nearest] - (pose.u, pose.v)) < 0.5
        assert found.flipped[nearest] == pose.flipped


def test_a_workspaces_templates_are_built_once_per_scale_range(workspace):
    first = load_matcher(workspace, (0.64, 0.66))
    (file,) = workspace.templates.glob("*.npz")
    written = file.stat().st_mtime_ns
    again = load_matcher(workspace, (0.64, 0.66))
    assert file.stat().st_mtime_ns == written
    np.testing.assert_array_equal(first.banks[0].coefficients, again.banks[0].coefficients)
    for group in first.banks[0].groups:
        assert 1 / 0.66 <= group.scale_px_per_mm <= 1 / 0.64
    load_matcher(workspace, (0.5, 0.52))
    assert len(list(workspace.templates.glob("*.npz"))) == 2
