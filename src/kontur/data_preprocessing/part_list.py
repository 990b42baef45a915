"""The part list of a workspace: its configuration applied to its drawings."""

from kontur.data_preprocessing.data_config import DataConfig, load_data_config
from kontur.drawing import Drawing, find_drawings, read_parts
from kontur.errors import DrawingError
from kontur.geometry import Part
from kontur.workspace import Workspace


def open_parts(workspace: Workspace) -> tuple[DataConfig, tuple[Part, ...], tuple[Drawing, ...]]:
    """Read configs/data_config.yaml and every drawing of a workspace.

    Raises:
        ConfigError: faults in the configuration.
        DrawingError: no drawings, or one that cannot be used.
    """
    config = load_data_config(workspace.data_config)
    if not workspace.drawings.is_dir() or not any(workspace.drawings.glob("*.[dD][xX][fF]*")):
        raise DrawingError(f"{workspace.drawings}: no drawings; put .dxf files there")
    parts, drawings = read_parts(find_drawings([workspace.drawings]), config.drawings)
    return config, parts, drawings
