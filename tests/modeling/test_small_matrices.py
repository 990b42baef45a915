"""Small compiled algebra against NumPy."""

import numpy as np

from kontur.modeling.small_matrices import add_equation, determinant, inverses, multiply, solve_damped


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


def test_inverses_of_symmetric_matrices_are_numpys():
    rng = np.random.default_rng(4)
    roots, over, out = rng.normal(size=(5, 4, 7)), rng.uniform(0.5, 2, 5), np.empty((5, 4, 4))
    matrices = roots @ roots.transpose(0, 2, 1)
    inverses(matrices, over, 0.1, out)
    np.testing.assert_allclose(out, np.linalg.inv(matrices / over[:, None, None] + 0.1 * np.eye(4)), rtol=1e-8)
    np.testing.assert_array_equal(out, out.transpose(0, 2, 1))


def test_what_nothing_is_known_of_has_the_inverse_of_the_damping():
    out = np.empty((1, 4, 4))
    inverses(np.zeros((1, 4, 4)), np.ones(1), 1e-6, out)
    np.testing.assert_allclose(out[0], 1e6 * np.eye(4))
