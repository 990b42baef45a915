"""Small compiled algebra against NumPy."""

import numpy as np

from kontur.modeling.small_matrices import add_equation, determinant, multiply, solve_damped


def test_damped_weighted_equations_are_solved():
    rng = np.random.default_rng(1)
    rows, target, weight = rng.normal(size=(9, 5)), rng.normal(size=9), rng.uniform(0, 2, 9)
    damping, normal, right, solution = rng.uniform(0, 2, 5), np.zeros((5, 5)), np.zeros(5), np.empty(5)
    for equation in zip(rows, weight, target, strict=True):
        add_equation(*equation, normal, right)
    solve_damped(normal, right, damping, solution)
    expected = np.linalg.solve(rows.T @ (weight[:, None] * rows) + np.diag(damping), rows.T @ (weight * target))
    np.testing.assert_allclose(solution, expected, rtol=1e-9)


def test_product_is_numpys():
    a, b = np.random.default_rng(2).normal(size=(2, 3, 3))
    out = np.empty((3, 3))
    multiply(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12)


def test_determinant_is_numpys():
    a = np.random.default_rng(3).normal(size=(3, 3))
    np.testing.assert_allclose(determinant(a), np.linalg.det(a), rtol=1e-12)
