"""How exactly and how fast parts are found without training: python benchmarks/matching.py [--trials N]

One bracket anywhere in the picture, at any angle, at a known true pose; noise, blur, hidden share, contrast, clutter and
scale are swept one by one. The matcher (search, registration, decision) against what `matching_rivals` holds, on the same
pictures.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import cv2
import matplotlib as mpl
import numpy as np
import shapely
from matching_rivals import match_gradient, match_grey, match_hough
from pose_accuracy import parts as accuracy_parts
from publish import ROOT, markdown_table, publish
from scipy import ndimage

from kontur.data_preprocessing.data_config import DataConfig
from kontur.drawing import find_drawings, read_parts
from kontur.geometry import Part, PixelPose, angle_difference
from kontur.hardware.threads import use_threads
from kontur.modeling.shape_matching import ShapeMatcher, make_matcher

SIZE_WH = (320, 240)
SCALE = 1.5
SWEEPS: dict[str, tuple[float, ...]] = {
    "noise": (0, 5, 10, 20, 40), "blur": (0, 1, 2, 3), "hidden": (0, 0.1, 0.3, 0.5, 0.7),
    "contrast": (1.0, 0.5, 0.25, 0.1, 0.05), "clutter": (0, 5, 10, 20), "scale": (0.9, 0.95, 1.0, 1.05, 1.1),
}  # fmt: skip
UNITS = {
    "noise": "grey levels", "blur": "px", "hidden": "share of the width", "contrast": "of 120 levels",
    "clutter": "shapes", "scale": "of the nominal one",
}  # fmt: skip
TARGETS = (
    ("ideal", {}, 0.03),
    ("noise 10 and blur 1.5 px", {"noise": 10, "blur": 1.5}, 0.1),
    ("50 % hidden", {"hidden": 0.5}, 0.3),
)
FOUND_PX = 8.0
RIVAL_SCALES = tuple(SCALE * s for s in SWEEPS["scale"])
Finder = Callable[[np.ndarray, Part, Sequence[float]], PixelPose | None]


def draw(part: Part, condition: dict[str, float], rng: np.random.Generator) -> tuple[np.ndarray, PixelPose]:
    """Return a picture and the part's pose in it."""
    scale = SCALE * condition.get("scale", 1.0)
    reach = part.radius_mm * scale + 4
    u, v = rng.uniform((reach, reach), np.array(SIZE_WH) - reach)
    pose = PixelPose(float(u), float(v), float(rng.uniform(0, 2 * np.pi)), scale)
    light = np.full(SIZE_WH[::-1], 90.0)
    for _ in range(int(condition.get("clutter", 0))):
        _lay_shape(light, rng)
    share = _coverage([pose.apply(contour.points) for contour in part.contours])
    light += (90 + 120 * condition.get("contrast", 1.0) - light) * share
    if condition.get("hidden"):
        columns = np.flatnonzero(share.any(axis=0))
        light[:, : int(columns[0] + condition["hidden"] * len(columns))] = 140
    light = ndimage.gaussian_filter(light, condition.get("blur", 0))
    light = light + condition.get("noise", 0) * rng.standard_normal(light.shape)
    return cv2.merge([np.clip(np.round(light), 0, 255).astype(np.uint8)] * 3), pose


def _coverage(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Return (H, W) the exact share of each pixel's square that an outline with holes covers."""
    polygon = shapely.Polygon(rings[0], rings[1:])
    shapely.prepare(polygon)
    u, v = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    squares = shapely.box(u - 0.5, v - 0.5, u + 0.5, v + 0.5)
    share = shapely.contains_properly(polygon, squares).astype(float)
    edge = shapely.intersects(polygon, squares) & (share == 0)
    share[edge] = shapely.area(shapely.intersection(polygon, squares[edge]))
    return share


def _lay_shape(light: np.ndarray, rng: np.random.Generator) -> None:
    """Lay a turned rectangle of another grey on the table."""
    box = cv2.boxPoints(
        (tuple(rng.uniform(0, SIZE_WH).tolist()), tuple(rng.uniform(8, 50, 2).tolist()), float(rng.uniform(0, 180)))
    )
    share = np.zeros(light.shape, np.float32)
    cv2.fillConvexPoly(share, box.astype(np.int32), 1.0)
    light += (float(rng.uniform(40, 200)) - light) * share


def kontur_finder(part: Part) -> Finder:
    """Return the matcher for one part, scales of -12 to +12 % searched."""
    matcher = _matcher([part], (SCALE * 0.88, SCALE * 1.12))

    def find(picture: np.ndarray, _part: Part, _scales: Sequence[float]) -> PixelPose | None:
        found = matcher.detect(picture)
        known = np.flatnonzero(found.part >= 0)
        return found.pose(int(known[0])) if len(known) else None

    return find


def _matcher(parts: Sequence[Part], px_per_mm: tuple[float, float]) -> ShapeMatcher:
    return make_matcher(parts, (1 / px_per_mm[1], 1 / px_per_mm[0]), "up")


def measure(part: Part, finders: dict[str, Finder], condition: dict[str, float], trials: int) -> dict[str, dict]:
    """Return for each method the found share, and RMSE with standard error of what was found within FOUND_PX."""
    rng = np.random.default_rng(3)
    errors: dict[str, list[tuple[float, float]]] = {name: [] for name in finders}
    scales = RIVAL_SCALES if condition.get("scale", 1.0) != 1.0 else (SCALE,)
    for _ in range(trials):
        picture, true = draw(part, condition, rng)
        for name, find in finders.items():
            pose = find(picture, part, scales)
            if pose is not None and np.hypot(pose.u - true.u, pose.v - true.v) < FOUND_PX:
                turn = np.degrees(angle_difference(pose.angle_rad, true.angle_rad, part.symmetry))
                errors[name].append((float(np.hypot(pose.u - true.u, pose.v - true.v)), float(turn)))
    return {name: _summary(np.array(rows).reshape(-1, 2), trials) for name, rows in errors.items()}


def _summary(errors: np.ndarray, trials: int) -> dict[str, float | None]:
    found = len(errors) / trials
    if not len(errors):
        return {"found": 0.0, "px": None, "px_error": None, "deg": None, "deg_error": None}
    rmse = np.sqrt((errors**2).mean(axis=0))
    spread = (errors**2).std(axis=0) / np.sqrt(len(errors)) / (2 * np.maximum(rmse, 1e-9))
    px, deg, px_error, deg_error = (round(float(x), 4) for x in (*rmse, *spread))
    return {"found": round(found, 3), "px": px, "px_error": px_error, "deg": deg, "deg_error": deg_error}


def times() -> dict[str, dict[str, float]]:
    """Return wall seconds of the matcher and of rotated matchTemplate on gradient magnitude, interleaved in this run."""
    drawings, _ = read_parts(find_drawings([ROOT / "data" / "raw" / "dxf_templates"]), DataConfig().drawings)
    many, one = list(drawings)[:12], [accuracy_parts()[0]]
    rows = {}
    for name, parts, size_wh, places in (
        ("1024x1024, 1 part", one, (1024, 1024), 1), ("1024x1024, 12 parts", many, (1024, 1024), 1),
        ("4024x3036, 1 part, 3 instances", one, (4024, 3036), 3),
    ):  # fmt: skip
        picture = _large_picture(one[0], size_wh, places)
        begin = time.perf_counter()
        matcher = _matcher(parts, (SCALE * 0.98, SCALE * 1.02))
        built = time.perf_counter() - begin
        matcher.detect(picture)
        ours = min(_seconds(lambda m=matcher, p=picture: m.detect(p)) for _ in range(3))
        row = {"templates_s": built, "kontur_s": ours}
        if size_wh[0] < 2000:
            row["match_template_s"] = _seconds(lambda p=picture: match_gradient(p, one[0], (SCALE,))) * len(parts)
            row["ratio"] = row["match_template_s"] / ours
        rows[name] = {key: round(value, 4) for key, value in row.items()}
    return rows


def _large_picture(part: Part, size_wh: tuple[int, int], count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    picture = np.full((*size_wh[::-1], 3), 90, np.uint8)
    for _ in range(count):
        tile, _ = draw(part, {}, rng)
        x, y = rng.integers(0, np.array(size_wh) - SIZE_WH)
        picture[y : y + SIZE_WH[1], x : x + SIZE_WH[0]] = tile
    noisy = picture + rng.normal(0, 2, picture.shape[:2])[..., None]
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def plot(results: dict[str, dict[str, dict[str, dict]]], names: Sequence[str]) -> None:
    """Write docs/images/matching_accuracy.svg: RMSE over each sweep."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained", sharey=True)
    for axis, (sweep, levels) in zip(axes.ravel(), results.items(), strict=True):
        for name in names:
            points = [(float(level), row[name]["px"]) for level, row in levels.items() if row[name]["px"] is not None]
            axis.plot(*zip(*points, strict=True), marker="o", label=name)
        axis.set(xlabel=f"{sweep} ({UNITS[sweep]})", yscale="log")
        axis.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=8)
    figure.supylabel("position RMSE of what was found, px")
    target = ROOT / "docs" / "images" / "matching_accuracy.svg"
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target)


def table(results: dict[str, dict[str, dict[str, dict]]], names: Sequence[str]) -> str:
    """Return the sweeps as one table: RMSE px / deg (found share where not all)."""
    rows = [
        [sweep, level, *(_cell(row[name]) for name in names)]
        for sweep, levels in results.items()
        for level, row in levels.items()
    ]
    return markdown_table(["sweep", "level", *names], rows)


def _cell(row: dict[str, float | None]) -> str:
    if row["px"] is None:
        return "not found"
    share = "" if row["found"] == 1 else f" ({100 * row['found']:.0f} % found)"
    return f"{row['px']:.3f} ± {row['px_error']:.3f} / {row['deg']:.2f}{share}"


def _measured(trials: int) -> str:
    return (
        f"Position RMSE px ± its standard error / angle RMSE degrees over {trials} pictures a level ({4 * trials} for "
        f"the targets), search included, one bracket in {SIZE_WH[0]}x{SIZE_WH[1]} px. It counts as found when the best "
        f"detection lies within {FOUND_PX:g} px of the true place; the errors are those of what was found. Hidden: the left "
        "share of its width, and all of the picture left of it, lies under a plain sheet. The matcher searches scales "
        "of ±12 %; the others are told the scale, and in the sweep of scales try its five values. Times: wall seconds, the "
        "least of three runs, all of 360 degrees, scales of ±2 %."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep, time, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4, help="pictures per level")
    trials = parser.parse_args(arguments).trials
    use_threads()
    part = accuracy_parts()[0]
    finders = {
        "kontur": kontur_finder(part), "matchTemplate, gradient": match_gradient,
        "matchTemplate, grey": match_grey, "generalized Hough": match_hough,
    }  # fmt: skip
    results = {
        sweep: {str(level): measure(part, finders, {sweep: level}, trials) for level in levels}
        for sweep, levels in SWEEPS.items()
    }
    only = {"kontur": finders["kontur"]}
    targets = {name: measure(part, only, condition, 4 * trials)["kontur"] for name, condition, _ in TARGETS}
    clocks = times()
    plot(results, list(finders))
    goals = [[name, f"<= {most}", _cell(targets[name])] for name, _, most in TARGETS]
    speed = [[name, *(row.get(k, "-") for k in ("templates_s", "kontur_s", "ratio"))] for name, row in clocks.items()]
    text = [
        table(results, list(finders)), _measured(trials),
        "![accuracy over each sweep](images/matching_accuracy.svg)",
        markdown_table(["target", "px", "kontur: px / deg"], goals),
        markdown_table(["case", "templates s", "kontur s", "times faster than rotated matchTemplate"], speed),
    ]  # fmt: skip
    document = {"sweeps": results, "targets": targets, "times": clocks}
    publish(
        "matching",
        "Matching without training",
        f"python benchmarks/matching.py --trials {trials}",
        document,
        "\n\n".join(text),
    )


if __name__ == "__main__":
    main()
