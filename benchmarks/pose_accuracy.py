"""How exactly contours are registered: python benchmarks/pose_accuracy.py [--trials N]

Ideal pictures (exact area coverage of each pixel by the part, from shapely) with noise, blur, low contrast or a hidden
side, and starts off by up to 4 px, 3 degrees and 3 % of scale. The true pose is known to machine precision.
"""

import argparse
from collections.abc import Sequence

import cv2
import numpy as np
import shapely
from publish import publish

from kontur.geometry import Contour, Part, PixelPose, angle_difference, circle_contour, make_part
from kontur.modeling.detections import from_poses
from kontur.modeling.refine import register

SIZE_WH = (220, 180)
CONDITIONS: dict[str, dict[str, float]] = {
    "ideal": {},
    "noise 10 grey levels": {"noise": 10},
    "noise 10, blur 1.5 px": {"noise": 10, "blur": 1.5},
    "contrast 20 of 255, noise 2": {"contrast": 20, "noise": 2},
    "30 % hidden": {"hidden": 0.3},
    "50 % hidden": {"hidden": 0.5},
}


def parts() -> tuple[Part, ...]:
    """Return a bracket and a plate, both above 60 px here."""
    outer = Contour(np.array([[0, 0], [48, 0], [48, 12], [12, 12], [12, 36], [0, 36]], float))
    bracket = make_part("bracket", outer, tuple(circle_contour(x, y, 3.0) for x, y in ((6, 6), (42, 6), (6, 30))))
    plate = Contour(np.array([[-30, -20], [30, -20], [30, 20], [-30, 20]], float))
    holes = tuple(circle_contour(x, y, 3.0) for x, y in ((-23, -13), (23, -13), (23, 13)))
    return bracket, make_part("plate", plate, holes)


def render(part: Part, pose: PixelPose, condition: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    """Return an (H, W, 3) uint8 picture of the part under a condition."""
    rings = [pose.apply(contour.points) for contour in part.contours]
    polygon = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(polygon)
    u, v = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    squares = shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5)
    share = shapely.contains_properly(polygon, squares).astype(float)
    edge = shapely.intersects(polygon, squares) & (share == 0)
    share[edge] = shapely.area(shapely.intersection(polygon, squares[edge]))
    grey = 90 + condition.get("contrast", 120) * share
    if "hidden" in condition:
        x0, _, x1, _ = polygon.bounds
        grey[:, : int(x0 + condition["hidden"] * (x1 - x0))] = 140
    if "blur" in condition:
        grey = cv2.GaussianBlur(grey, (0, 0), condition["blur"])
    grey = grey + condition.get("noise", 0) * rng.standard_normal(grey.shape)
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def measure(condition: dict[str, float], trials: int) -> dict[str, float]:
    """Return root mean square errors with standard errors over parts and random poses."""
    rng = np.random.default_rng(1)
    rows = []
    for part in parts():
        for _ in range(trials):
            u, v = np.array(SIZE_WH) / 2 + rng.uniform(-3, 3, 2)
            pose = PixelPose(float(u), float(v), float(rng.uniform(0, 6.28)), float(rng.uniform(1.4, 1.7)))
            start = PixelPose(
                pose.u + rng.uniform(-4, 4), pose.v + rng.uniform(-4, 4),
                pose.angle_rad + np.radians(rng.uniform(-3, 3)), pose.scale_px_per_mm * np.exp(rng.uniform(-0.03, 0.03)),
            )  # fmt: skip
            picture = render(part, pose, condition, rng)
            got = register(picture, from_poses(SIZE_WH, [0], [0.5], [start]), [part]).pose(0)
            turn = np.degrees(angle_difference(got.angle_rad, pose.angle_rad, part.symmetry))
            rows.append([np.hypot(got.u - pose.u, got.v - pose.v), turn])
    return summary(np.array(rows))


def summary(errors: np.ndarray) -> dict[str, float]:
    """Return RMSE and its standard error for position (px) and angle (deg), and the worst position."""
    square = errors**2
    rmse = np.sqrt(square.mean(axis=0))
    spread = square.std(axis=0) / np.sqrt(len(errors)) / (2 * np.maximum(rmse, 1e-12))
    return {
        "position_rmse_px": round(float(rmse[0]), 4), "position_error_px": round(float(spread[0]), 4),
        "angle_rmse_deg": round(float(rmse[1]), 4), "angle_error_deg": round(float(spread[1]), 4),
        "position_max_px": round(float(errors[:, 0].max()), 3), "trials": len(errors),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all conditions and publish them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20, help="random poses per part and condition")
    trials = parser.parse_args(arguments).trials
    results = {name: measure(condition, trials) for name, condition in CONDITIONS.items()}
    rows = ["| condition | position RMSE px | angle RMSE deg | worst px |", "|---|---|---|---|"]
    for name, row in results.items():
        position = f"{row['position_rmse_px']:.3f} ± {row['position_error_px']:.3f}"
        angle = f"{row['angle_rmse_deg']:.3f} ± {row['angle_error_deg']:.3f}"
        rows.append(f"| {name} | {position} | {angle} | {row['position_max_px']:.2f} |")
    command = f"python benchmarks/pose_accuracy.py --trials {trials}"
    publish("pose_accuracy", "Registration on ideal pictures", command, results, "\n".join(rows))


if __name__ == "__main__":
    main()
