"""The evidence of points written plainly, from edge strengths on, with SciPy's filters and look-ups."""

import numpy as np
from scipy.ndimage import map_coordinates, uniform_filter

from kontur.modeling.evidence import BETA_ALPHA, LEAST_EVIDENCE, MOST_EVIDENCE


def between_cells(values, cell_px, points):
    """Values of cells at points, by interpolation between their centres."""
    u, v = np.moveaxis((points + 0.5) / cell_px - 0.5, -1, 0)
    return map_coordinates(np.asarray(values, float), [v, u], order=1, mode="nearest")


def chance_of(background, points, strength):
    """Share of the background's places that are at least as strong for where they lie, in (0, 1]."""
    relative = strength / between_cells(background.typical, background.cell_px, points)
    as_strong = (background.relative >= relative[..., None]).sum(axis=-1)
    return (as_strong + 1) / (len(background.relative) + 1)


def by_cell(shape, cell_px, points, values):
    """Sums over cells of the values at points, then over 3 x 3 of them."""
    sums = np.zeros(shape)
    column, row = np.moveaxis(np.floor((points + 0.5) / cell_px).astype(int), -1, 0)
    np.add.at(sums, (row.clip(0, shape[0] - 1), column.clip(0, shape[1] - 1)), values)
    return uniform_filter(sums, 3, mode="mirror")


def evidence_of_points(background, points, strength, length):
    """Evidence at points of which a length is seen."""
    unlikely = np.maximum(chance_of(background, points, strength), 1 / 500)
    evidence = np.log(BETA_ALPHA) + (BETA_ALPHA - 1) * np.log(unlikely)
    shape, cell = background.typical.shape, background.cell_px
    power, weight = (by_cell(shape, cell, points, values) for values in (length * strength**6, length))
    strong = np.maximum((np.maximum(power, 0) / np.maximum(weight, 1e-3)) ** (1 / 6), 1e-3)
    share = strength / between_cells(strong, cell, points)
    return np.minimum(evidence, np.interp(share, (0.05, 0.15, 0.4), (LEAST_EVIDENCE, 0, MOST_EVIDENCE)))
