"""Algebra of matrices of a few rows, compiled, without allocations that cost more than the sums."""

import numba
import numpy as np

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def add_equation(row, weight, target, normal, right):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add one weighted equation, row . x = target, to (lower) normal equations."""
    for i in range(len(row)):
        right[i] += weight * target * row[i]
        for k in range(i + 1):
            normal[i, k] += weight * row[i] * row[k]


@numba.njit(**_fast)
def solve_damped(normal, right, damping, solution):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Solve (A + diag(damping)) x = b by Cholesky's method; A is given by its lower triangle, which is overwritten."""
    size = len(right)
    for j in range(size):
        normal[j, j] += damping[j]
        for k in range(j):
            normal[j, j] -= normal[j, k] ** 2
        normal[j, j] = np.sqrt(normal[j, j])
        for i in range(j + 1, size):
            for k in range(j):
                normal[i, j] -= normal[i, k] * normal[j, k]
            normal[i, j] /= normal[j, j]
    for i in range(size):
        solution[i] = right[i]
        for k in range(i):
            solution[i] -= normal[i, k] * solution[k]
        solution[i] /= normal[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            solution[i] -= normal[k, i] * solution[k]
        solution[i] /= normal[i, i]


@numba.njit(**_fast)
def inverses(matrices, over, damping, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write (N, K, K) the inverses of symmetric matrices, each over (N,) a number, with a damping on the diagonal."""
    size = matrices.shape[1]
    lower, unit, column, all_alike = np.empty((size, size)), np.empty(size), np.empty(size), np.full(size, damping)
    for n in range(len(matrices)):
        for k in range(size):
            unit[:] = 0
            unit[k] = 1
            lower[:] = matrices[n] / over[n]
            solve_damped(lower, unit, all_alike, column)
            out[n, k:, k] = out[n, k, k:] = column[k:]


@numba.njit(**_fast)
def multiply(a, b, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the product of two 3 x 3 matrices, neither of which `out` is."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@numba.njit(**_fast)
def determinant(a):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the determinant of a 3 x 3 matrix."""
    first, second = a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1], a[1, 0] * a[2, 2] - a[1, 2] * a[2, 0]
    return a[0, 0] * first - a[0, 1] * second + a[0, 2] * (a[1, 0] * a[2, 1] - a[1, 1] * a[2, 0])
