"""Contact sheets of samples, and of what one configuration key does to them."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from kontur.config import Section
from kontur.data_preprocessing.data_config import DataConfig
from kontur.errors import ConfigError
from kontur.pictures import Picture

_TILE_WIDTH_PX = 400
_GAP_PX = 4
_CAPTION_PX = 24


def contact_sheet(pictures: Sequence[Picture]) -> Picture:
    """Return a sheet of pictures, a little wider than high."""
    tiles = [_tile(picture) for picture in pictures]
    columns = max(1, int(np.ceil(np.sqrt(1.3 * len(tiles)))))
    height = max(tile.shape[0] for tile in tiles)
    rows = int(np.ceil(len(tiles) / columns))
    sheet = np.full((rows * (height + _GAP_PX), columns * (_TILE_WIDTH_PX + _GAP_PX), 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + _GAP_PX), number % columns * (_TILE_WIDTH_PX + _GAP_PX)
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def sweep_configs(config: DataConfig, key: str, steps: int) -> list[tuple[str, DataConfig]]:
    """Return `steps` configurations in which one key runs from its low to its high end, each with a caption.

    Args:
        config: all other keys.
        key: "section.name" of a range ([low, high] becomes one value of it) or of a probability (0..1).
        steps: at least 2.

    Raises:
        ConfigError: no such key, or one that is neither.
    """
    section_name, _, name = key.partition(".")
    section = getattr(config, section_name, None)
    value = getattr(section, name, None) if isinstance(section, Section) else None
    if isinstance(value, float):
        values: list[Any] = np.linspace(0.0, 1.0, steps).tolist()
    elif isinstance(value, tuple) and len(value) == 2 and key != "camera.size_wh":
        kind = type(value[0])
        values = [(kind(at), kind(at)) for at in np.linspace(value[0], value[1], steps).tolist()]
    else:
        raise ConfigError(f"{key}: not a range or a probability of the data configuration; name one as section.key")
    plain = config.model_dump()
    made = []
    for at in values:
        changed = {**plain, "preset": "none", section_name: {**plain[section_name], name: at}}
        shown = at[0] if isinstance(at, tuple) else at
        made.append((f"{key} = {shown:.3g}", DataConfig.model_validate(changed)))
    return made


def sweep_sheet(rows: Sequence[tuple[str, Sequence[Picture]]]) -> Picture:
    """Return a sheet with one captioned row for each step of a sweep; columns are the same samples."""
    tiles = [[_tile(picture) for picture in pictures] for _, pictures in rows]
    height = tiles[0][0].shape[0] + _CAPTION_PX
    width = (_TILE_WIDTH_PX + _GAP_PX) * max(len(row) for row in tiles)
    sheet = np.full((height * len(rows), width, 3), 255, np.uint8)
    for number, ((caption, _), row) in enumerate(zip(rows, tiles, strict=True)):
        top = number * height
        cv2.putText(sheet, caption, (4, top + 17), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
        for column, tile in enumerate(row):
            left = column * (_TILE_WIDTH_PX + _GAP_PX)
            sheet[top + _CAPTION_PX : top + height, left : left + _TILE_WIDTH_PX] = tile
    return sheet


def _tile(picture: Picture) -> Picture:
    factor = _TILE_WIDTH_PX / picture.shape[1]
    return cv2.resize(picture, (_TILE_WIDTH_PX, round(picture.shape[0] * factor)), interpolation=cv2.INTER_AREA)
