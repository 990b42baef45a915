"""Calibration against scores whose meaning is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.modeling.calibration import Calibration, fit_calibration
from kontur.modeling.reliability import reliability

NAMES = ("a", "b", "c")


def draw(count, coefficients, intercept, seed=0):
    """Features and rightness that follow a logistic law exactly."""
    rng = np.random.default_rng(seed)
    features = rng.normal((0, 3, -1), (1, 0.2, 4), (count, 3))
    chance = 1 / (1 + np.exp(-(features @ coefficients + intercept)))
    return features, rng.uniform(size=count) < chance, chance


def test_the_law_behind_the_data_is_found():
    law = np.array([1.5, 2.0, 0.3])
    features, right, _ = draw(40000, law, -5.0)
    fitted = fit_calibration(NAMES, features, right)
    assert fitted.coefficients == pytest.approx(law, rel=0.1)
    assert fitted.intercept == pytest.approx(-5.0, rel=0.15)
    assert (fitted.names, fitted.detections) == (NAMES, 40000)


def test_scores_mean_precision_on_data_it_was_not_fitted_to():
    law = np.array([1.5, 2.0, 0.3])
    fitted = fit_calibration(NAMES, *draw(1500, law, -5.0)[:2])
    features, right, chance = draw(20000, law, -5.0, seed=1)
    scores = fitted.probability(features)
    assert reliability(scores, right, int(right.sum())).expected_error < 0.03
    assert np.abs(scores - chance).mean() < 0.05


@given(st.integers(0, 2**16), st.sampled_from([0.2, 1.0, 1e4]))
def test_units_do_not_matter(seed, unit):
    """As long as a feature varies enough in them to be believed."""
    features, right, _ = draw(300, np.array([1.0, 0.5, 0.2]), 0.0, seed)
    scaled = features * (unit, 1, 1)
    one, other = fit_calibration(NAMES, features, right), fit_calibration(NAMES, scaled, right)
    if one is not None:
        assert other.probability(scaled) == pytest.approx(one.probability(features), abs=1e-6)


def test_separable_data_stay_finite():
    features = np.column_stack([np.r_[np.zeros(50), np.ones(50)], np.zeros(100), np.zeros(100)])
    fitted = fit_calibration(NAMES, features, np.arange(100) >= 50)
    scores = fitted.probability(features)
    assert scores[:50].max() < 0.2
    assert scores[50:].min() > 0.8
    assert np.isfinite(fitted.coefficients).all()


@pytest.mark.parametrize("wrong", [0, 9])
def test_too_little_to_learn_from(wrong):
    assert fit_calibration(NAMES, np.zeros((100, 3)), np.arange(100) >= wrong) is None


def test_it_survives_json():
    import json
    from dataclasses import asdict

    fitted = fit_calibration(NAMES, *draw(500, np.array([1.0, 0.5, 0.2]), 0.0)[:2])
    again = Calibration(**json.loads(json.dumps(asdict(fitted))))
    features = draw(20, np.array([1.0, 0.5, 0.2]), 0.0, 9)[0]
    assert again.probability(features) == pytest.approx(fitted.probability(features))


def test_a_feature_that_hardly_varies_says_nothing_elsewhere():
    """It follows rightness to the letter, but by a millionth: elsewhere it may differ by more than that for nothing."""
    features, right, _ = draw(400, np.array([1.0, 0.5, 0.2]), 0.0)
    features[:, 1] = 1 - 1e-6 * right
    fitted = fit_calibration(NAMES, features, right)
    moved = features + (0, 0.01, 0)
    assert fitted.probability(moved) == pytest.approx(fitted.probability(features), abs=0.02)


def test_a_feature_that_speaks_against_is_left_out_and_the_others_are_fitted_without_it():
    features, right, _ = draw(40000, np.array([1.5, -2.0, 0.3]), 5.0)
    fitted = fit_calibration(NAMES, features, right)
    assert fitted.coefficients[1] == 0
    alone = fit_calibration(("a", "c"), features[:, [0, 2]], right)
    assert fitted.coefficients[::2] == pytest.approx(alone.coefficients, rel=1e-6)
    assert fitted.probability(features) == pytest.approx(alone.probability(features[:, [0, 2]]))


def test_when_all_speak_against_the_share_of_the_right_is_left():
    features, right, _ = draw(5000, np.array([-1.0, -2.0, -0.3]), 5.0)
    fitted = fit_calibration(NAMES, features, right)
    assert fitted.coefficients == (0, 0, 0)
    assert fitted.probability(features) == pytest.approx(np.full(5000, right.mean()))
