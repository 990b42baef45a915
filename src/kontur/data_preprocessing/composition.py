"""Drawing the things of a scene, and their shadows, on its table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.arrangement import arrange
from kontur.data_preprocessing.bands import compose
from kontur.data_preprocessing.scene import Scene
from kontur.data_preprocessing.table import Ground
from kontur.data_preprocessing.textures import streak_pool, texel_pool
from kontur.data_preprocessing.views import View

Floats = NDArray[np.float32]


def draw_things(
    scene: Scene, views: Sequence[View], ground: Ground, light: Floats | NDArray[np.uint16]
) -> tuple[NDArray[np.uint8], list[int]]:
    """Draw a table and every thing of a scene on it.

    Args:
        scene: lamps and sky.
        views: its things as the camera sees them, bottom to top.
        ground: the table.
        light: (3, H, W), written: float32, or uint16 for packed light, see `halves`.

    Returns:
        (H, W) uint8: which part is seen where, numbered from 1, clutter and table 0; and for each number the pixels that the
        part would cover alone in an unbounded picture (0 for number 0).
    """
    ids = np.empty(light.shape[1:], np.uint8)
    is_part = [view.thing.part is not None for view in views]
    things, casts = arrange(scene, views, np.cumsum(is_part, dtype=np.uint8) * np.array(is_part, np.uint8))
    covered = compose(light, ids, ground, things, casts, texel_pool(), streak_pool())
    return ids, [0, *covered[is_part].tolist()]
