"""Small compiled algebra against NumPy."""

import numpy as np

from kontur.modeling.small_matrices import product, solve_damped


def test_damped_normal_equations_are_solved():
    rng = np.random.default_rng(1)
    rows, right, damping = rng.normal(size=(9, 5)), rng.normal(size=5), rng.uniform(0, 2, 5)
    whole = rows.T @ rows
    solution = np.empty(5)
    solve_damped(np.tril(whole), right, damping, solution)
    np.testing.assert_allclose(solution, np.linalg.solve(whole + np.diag(damping), right), rtol=1e-9)


def test_product_is_numpys():
    a, b = np.random.default_rng(2).normal(size=(2, 3, 3))
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-12)
