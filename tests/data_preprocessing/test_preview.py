import cv2
import numpy as np
import pytest
from generator_parts import context, small_config

from kontur.data_preprocessing.preview import contact_sheet, sweep_configs, sweep_sheet
from kontur.data_preprocessing.render import render_sample
from kontur.errors import ConfigError


@pytest.fixture(scope="module")
def pictures():
    return [render_sample(context(), 0, index).image for index in range(5)]


def test_a_sheet_holds_every_picture(pictures):
    sheet = contact_sheet(pictures)
    for picture in pictures:
        small = cv2.resize(picture, (400, 291), interpolation=cv2.INTER_AREA)
        assert cv2.minMaxLoc(cv2.matchTemplate(sheet, small, cv2.TM_SQDIFF))[0] < 1e4
    assert 0.4 < sheet.shape[0] / sheet.shape[1] < 1.2


def test_a_range_is_swept_from_end_to_end():
    config = small_config()
    steps = sweep_configs(config, "lens.blur_px", 3)
    assert np.allclose([changed.lens.blur_px for _, changed in steps], [(0.3, 0.3), (0.65, 0.65), (1.0, 1.0)])
    assert steps[0][0] == "lens.blur_px = 0.3"
    assert all(changed.scene == config.scene for _, changed in steps)


def test_a_probability_is_swept_from_never_to_always():
    assert [changed.scene.pile for _, changed in sweep_configs(small_config(), "scene.pile", 2)] == [0.0, 1.0]


def test_whole_numbers_stay_whole():
    assert next(changed.scene.parts for _, changed in sweep_configs(small_config(), "scene.parts", 4)) == (1, 1)


@pytest.mark.parametrize("key", ["lens", "lens.colour", "camera.size_wh", "materials.kinds", "faces"])
def test_what_cannot_be_swept_is_said(key):
    with pytest.raises(ConfigError, match=key):
        sweep_configs(small_config(), key, 3)


def test_a_sweep_has_a_row_for_each_step(pictures):
    sheet = sweep_sheet([("dark", pictures[:2]), ("bright", pictures[:2])])
    half = sheet.shape[0] // 2
    assert np.array_equal(sheet[24:half], sheet[half + 24 :])
    assert not np.array_equal(sheet[:24], sheet[half : half + 24])
