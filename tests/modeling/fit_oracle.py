"""The fits of `motion_fit` once more, in plain NumPy: what the compiled kernels are compared with."""

import numpy as np


def solved(rows, weight, target, damping, pull):
    """Weighted least squares of (N, M, 5) rows, damped; `pull` (N,) is added to the right side of the log scale."""
    normal = np.einsum("nmi,nm,nmj->nij", rows, weight, rows) + damping[:, :, None] * np.eye(5)
    right = np.einsum("nmi,nm,nm->ni", rows, weight, target)
    right[:, 3] += pull
    return np.linalg.solve(normal, right[..., None])[..., 0]


def with_offset(rows):
    return np.concatenate([rows, np.ones((*rows.shape[:2], 1))], axis=2)


def tukey(residual, limit):
    return np.clip(1 - (residual / limit) ** 2, 0, None) ** 2


def fit_to_peaks(weight, rows, offset, strength, start, range_px, steps, half_share, hold):
    seen = (strength[..., 0] > 0) & (weight > 0)
    typical = [
        np.sort(s[k])[(k.sum() - 1) // 2] if k.any() else 1.0 for s, k in zip(strength[..., 0], seen, strict=True)
    ]
    share = strength / (strength + half_share * np.array(typical)[:, None, None])
    radius2 = ((rows[..., 2:] ** 2).sum(axis=2) * weight).sum(axis=1) / (weight.sum(axis=1) + 1e-9) + 1
    expected = np.repeat(start[:, :1], rows.shape[1], axis=1)
    for _ in range(steps):
        trust = share * tukey(offset - expected[..., None], range_px)
        best = trust.argmax(axis=2)[..., None]
        trusted = weight * np.take_along_axis(trust, best, axis=2)[..., 0]
        target = np.take_along_axis(offset, best, axis=2)[..., 0]
        damping = hold * (trusted.sum(axis=1) + 1e-9)[:, None]
        damping[:, 2:4] *= radius2[:, None]
        solution = solved(with_offset(rows), trusted, target, damping, damping[:, 3] * start[:, 1])
        expected = np.einsum("nmp,np->nm", with_offset(rows), solution)
    return solution


def fit_to_readings(weight, rows, offset, strength, reading, start, settings):
    """`reading` is (N, M, 3)."""
    steps, freedom, correlated, floor, same, reach, prior = settings
    near = (strength > 0) & (np.abs(offset) <= reach)
    away = np.where(near, offset - reading[..., :1], np.inf)
    nearest = np.take_along_axis(away, np.abs(away).argmin(axis=2)[..., None], axis=2)[..., 0]
    nearest = np.where(np.isfinite(nearest), nearest, 0)
    target = reading[..., 0] + nearest * np.exp(-0.5 * (nearest / same) ** 2)
    variance = reading[..., 1] ** 2 + floor**2
    sure, wrong = weight * reading[..., 2] / variance / correlated, np.zeros_like(variance)
    damping = np.broadcast_to(prior, (len(rows), 5))
    for _ in range(steps):
        weights = sure / (1 + wrong / freedom)
        solution = solved(with_offset(rows), weights, target, damping, prior[3] * start)
        wrong = (target - np.einsum("nmp,np->nm", with_offset(rows), solution)) ** 2 / variance
    return solution
