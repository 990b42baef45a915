"""Contour models laid out for compiled code, as `contour_model.model_batch` does for detections."""

import numpy as np

from kontur.modeling.contour_model import ContourBatch


def stack_models(models):
    """Return a batch of models, one for each row."""
    first = np.cumsum([0, *(len(model.weight) for model in models)])
    return ContourBatch((np.concatenate([model.rows for model in models]), first), np.arange(len(models)))
