"""The whole way through the command line on three tiny parts: drawings in, detections of an easy scene out."""

import csv
import json
import sys
from pathlib import Path

import cv2
import ezdxf
import numpy as np
import pytest

from kontur.drawing import read_parts
from kontur.geometry import PixelPose, angle_difference

sys.path.insert(0, str(Path(__file__).parent / "modeling"))
from modeling_scenes import paint

SIZE_WH = (256, 192)
EASY = """
preset: none
faces: up
dataset: {count: 120, val_fraction: 0.1, test_fraction: 0.1}
camera: {size_wh: [256, 192], mm_per_px: [0.65, 0.7], tilt_deg: [0, 0], distortion: [0, 0]}
scene: {parts: [2, 4], pile: 0, touching: 0, border: 0, distractors: 0, same_material: 1, thickness_mm: [1, 1]}
materials: {kinds: {paint: 1, plastic: 1}}
light: {lamps: [1, 1], elevation_deg: [70, 85]}
background: {kinds: {plain: 1}, pictures: 0, camouflage: 0}
"""
TRAINING = """
network: {size: n}
training: {minutes: 60, steps: 400, batch_size: 4, crop_px: 160, precision: fp32, loader_workers: 0, validation_pictures: 8}
"""


def draw_parts(folder: Path) -> None:
    """A disc with a hole, a square-ended bar with two holes, and a right-angled triangle, in mm."""
    folder.mkdir()
    shapes = {
        "disc": ([], [(0, 0, 20), (0, 0, 7)]),
        "bar": ([(0, 0), (60, 0), (60, 14), (0, 14)], [(10, 7, 3), (50, 7, 3)]),
        "wedge": ([(0, 0), (45, 0), (0, 32)], [(12, 10, 4)]),
    }
    for name, (corners, circles) in shapes.items():
        document = ezdxf.new("R2010", units=4)
        if corners:
            document.modelspace().add_lwpolyline(corners, close=True)
        for x, y, radius in circles:
            document.modelspace().add_circle((x, y), radius)
        document.saveas(folder / f"{name}.dxf")


def easy_scene(parts) -> tuple[np.ndarray, list[tuple[int, PixelPose]]]:
    """Light parts on a dark table, far apart: painted by shapely, softened by a lens."""
    index = {part.name: number for number, part in enumerate(parts)}
    placed = [
        (index["disc"], PixelPose(60.0, 60.0, 0.0, 1.48)),
        (index["bar"], PixelPose(165.5, 55.0, 0.4, 1.48)),
        (index["wedge"], PixelPose(130.0, 137.0, 2.0, 1.48)),
    ]
    return cv2.GaussianBlur(paint(parts, placed, SIZE_WH).image, (0, 0), 0.7), placed


@pytest.mark.slow
def test_drawings_in_detections_out(tmp_path, run_kontur):
    root = tmp_path / "workspace"
    draw_parts(tmp_path / "drawings")
    assert run_kontur("new", root, "--drawings", tmp_path / "drawings").code == 0
    (root / "configs" / "data_config.yaml").write_text(EASY)
    (root / "configs" / "train_config.yaml").write_text(TRAINING)
    for command in ("inspect", "generate", "train", "export", "evaluate"):
        run = run_kontur(command, "-C", root)
        assert run.code == 0, f"{command}: {run.err}"

    with next((root / "models" / "runs").glob("run_*/metrics.csv")).open() as stream:
        losses = [float(row["val/loss"]) for row in csv.DictReader(stream) if row["val/loss"]]
    assert losses[-1] < 0.5 * losses[0]

    parts, _ = read_parts(sorted((root / "data" / "raw" / "dxf_templates").iterdir()))
    picture, placed = easy_scene(parts)
    cv2.imwrite(str(tmp_path / "easy.png"), picture)
    run = run_kontur("detect", tmp_path / "easy.png", "--out", tmp_path / "out", "-C", root, "--json")
    assert run.code == 0, run.err
    document = json.loads(run.out)
    assert document == json.loads((tmp_path / "out" / "detections.json").read_text())
    assert cv2.imread(str(tmp_path / "out" / "overlays" / "easy.png")).shape == picture.shape
    found = {entry["part"]: entry for entry in document["images"][0]["detections"]}
    assert len(document["images"][0]["detections"]) == len(placed)
    for part, pose in placed:
        said = found[parts[part].name]["pose_px"]
        assert (said["u"], said["v"]) == pytest.approx((pose.u, pose.v), abs=0.25)
        assert said["scale_px_per_mm"] == pytest.approx(pose.scale_px_per_mm, rel=0.01)
        if parts[part].symmetry:
            turned = angle_difference(np.radians(said["angle_deg"]), pose.angle_rad, parts[part].symmetry)
            assert abs(np.degrees(turned)) < 0.5
        else:
            assert said["angle_deg"] is None
