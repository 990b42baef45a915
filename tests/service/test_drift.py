import cv2
import numpy as np
import pytest

from kontur.service.drift import picture_statistics, stability_index


def test_index_agrees_with_its_formula_on_shares_that_are_known():
    reference = np.arange(1000) / 1000
    shares = np.array([0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    recent = np.concatenate([(k + 0.5) / 10 * np.ones(round(share * 200)) for k, share in enumerate(shares)])
    expected = sum((q - 0.1) * np.log(q / 0.1) for q in shares)
    assert stability_index(reference, recent) == pytest.approx(expected, abs=1e-6)


def test_same_distribution_is_stable_and_a_shift_is_not():
    rng = np.random.default_rng(1)
    reference = rng.normal(100, 20, 1000)
    assert stability_index(reference, rng.normal(100, 20, 1000).tolist()) < 0.1
    assert stability_index(reference, rng.normal(130, 20, 1000).tolist()) > 0.25


def test_too_few_pictures_tell_nothing():
    assert stability_index(np.arange(1000.0), [1.0] * 49) is None
    assert stability_index(np.arange(10.0), [1.0] * 500) is None


def test_statistics_of_plain_pictures():
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:] = (10, 20, 70)
    found = picture_statistics(picture)
    assert found["brightness"] == pytest.approx(0.114 * 10 + 0.587 * 20 + 0.299 * 70, abs=0.6)
    assert (found["contrast"], found["sharpness"], found["saturation"]) == (0, 0, 60)


def test_stripes_have_the_contrast_of_their_grey_values():
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, ::2] = 200
    found = picture_statistics(picture)
    assert found["contrast"] == pytest.approx(100)
    assert found["sharpness"] > 4


def test_large_pictures_are_reduced_alike():
    rng = np.random.default_rng(2)
    small = cv_smooth(rng)
    large = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)
    assert picture_statistics(large)["brightness"] == pytest.approx(picture_statistics(small)["brightness"], abs=1)


def cv_smooth(rng):
    import cv2

    return cv2.GaussianBlur(rng.integers(0, 255, (480, 640, 3), np.uint8), (0, 0), 3)


@pytest.mark.parametrize("size_wh", [(80, 60), (1300, 700)])
def test_statistics_are_those_of_the_reduced_picture(size_wh):
    """NumPy says what OpenCV's passes over whole planes should."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (7, 9, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)
    zoom = min(1.0, 640 / max(size_wh))
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    grey = small.astype(float) @ (0.114, 0.587, 0.299)
    found = picture_statistics(picture)
    assert found["saturation"] == pytest.approx(np.ptp(small.astype(int), axis=2).mean(), abs=1e-6)
    assert found["brightness"] == pytest.approx(grey.mean(), abs=0.1)
    assert found["contrast"] == pytest.approx(grey.std(), abs=0.1)
