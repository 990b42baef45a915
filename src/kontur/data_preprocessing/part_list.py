"""The part list of a workspace: its configuration applied to its drawings."""

import logging
from functools import cache

from kontur.data_preprocessing.data_config import DataConfig, load_data_config
from kontur.drawing import Drawing, find_drawings, read_parts
from kontur.errors import DrawingError
from kontur.files import printable
from kontur.geometry import Part
from kontur.workspace import Workspace


def open_parts(workspace: Workspace) -> tuple[DataConfig, tuple[Part, ...], tuple[Drawing, ...]]:
    """Read configs/data_config.yaml and every drawing of a workspace; log once what is doubtful about one.

    Raises:
        ConfigError: faults in the configuration.
        DrawingError: no drawings, or one that cannot be used.
    """
    config = load_data_config(workspace.data_config)
    if not workspace.drawings.is_dir() or not any(workspace.drawings.glob("*.[dD][xX][fF]*")):
        raise DrawingError(f"{workspace.drawings}: no drawings; put .dxf files there")
    parts, drawings = read_parts(find_drawings([workspace.drawings]), config.drawings)
    for drawing in drawings:
        for text in _doubts(drawing):
            _tell(text)
    return config, parts, drawings


def _doubts(drawing: Drawing) -> list[str]:
    """Return what a user of the parts must know: how sure their unit is, and that they may not be what is meant."""
    file, units = printable(drawing.file), [i.text for i in drawing.issues if i.code == "unit_guessed"]
    codes = sorted({i.code for i in drawing.issues if i.severity in ("ambiguous", "error")} - {"unit_guessed"})
    doubt = f"{file}: can be read in two ways ({', '.join(codes)}); see `kontur inspect {file}`"
    return [*(f"{file}: {text}" for text in units), *([doubt] if codes else [])]


@cache
def _tell(text: str) -> None:
    logging.getLogger(__name__).warning(text)
