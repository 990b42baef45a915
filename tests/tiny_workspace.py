"""A small finished workspace for the tests that need data: three parts, a few small pictures."""

from pathlib import Path

import ezdxf

CONFIG = """
preset: none
faces: both
dataset: {count: 12, val_fraction: 0.25, test_fraction: 0.25}
camera: {size_wh: [224, 160], mm_per_px: [0.6, 0.7]}
scene: {parts: [2, 4]}
"""


def draw_parts(folder: Path) -> None:
    """Write a ring, a bar with two holes and a bracket (chiral), mm."""
    folder.mkdir()
    shapes = {
        "ring": ([], [(0, 0, 16), (0, 0, 9)]),
        "bar": ([(0, 0), (50, 0), (50, 14), (0, 14)], [(10, 7, 3), (40, 7, 4)]),
        "bracket": ([(0, 0), (40, 0), (40, 12), (13, 12), (13, 28), (0, 28)], [(33, 6, 3)]),
    }
    for name, (corners, circles) in shapes.items():
        document = ezdxf.new("R2010", units=4)
        if corners:
            document.modelspace().add_lwpolyline(corners, close=True)
        for x, y, radius in circles:
            document.modelspace().add_circle((x, y), radius)
        document.saveas(folder / f"{name}.dxf")


def make_workspace(folder: Path) -> Path:
    """Make a workspace below `folder` and generate its data set; returns its root."""
    from kontur.cli.generate import ExecutorName, generate
    from kontur.scaffold import create_workspace

    draw_parts(folder / "drawings")
    root = create_workspace(folder / "workspace", sorted((folder / "drawings").iterdir())).root
    (root / "configs" / "data_config.yaml").write_text(CONFIG)
    generate(workspace=root, executor=ExecutorName.THREADS, workers="1")
    return root
