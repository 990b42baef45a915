"""An evaluation with some of everything, built by hand, and parts with awkward names."""

import numpy as np

from kontur.geometry import Contour, Part, circle_contour, make_part
from kontur.modeling.evaluation import (
    Band,
    Confusion,
    Curve,
    Evaluation,
    LookAlike,
    Match,
    PartRow,
    PartTraits,
    PoseErrors,
    Precision,
    Reliability,
    ScoreBin,
    Spread,
    WorstCase,
)

NONE = Spread(count=0, median=None, p95=None, worst=None)
NAMES = ('clip <a> & "b"', "кольцо", "bracket")


def parts() -> tuple[Part, ...]:
    """A plate with two holes, a ring, a chiral bracket."""
    plate = np.array([[0, 0], [50, 0], [50, 20], [0, 20]], float)
    corner = np.array([[0, 0], [40, 0], [40, 10], [12, 10], [12, 25], [0, 25]], float)
    return (
        make_part(NAMES[0], Contour(plate), (circle_contour(8, 10, 4), circle_contour(40, 10, 3))),
        make_part(NAMES[1], circle_contour(0, 0, 14), (circle_contour(0, 0, 9),)),
        make_part(NAMES[2], Contour(corner)),
    )


def _match(number: int, part: str, said: str, error: float | None, angle: float | None) -> Match:
    return Match(
        picture=0, instance=number, detection=number, part=part, said=said, iou=0.9, score=0.8, size_px=50.0,
        visible_fraction=1.0, position_px=error, position_mm=error, angle_deg=angle,
        scale=None if error is None else error / 100, flipped_right=None,
    )  # fmt: skip


def evaluation() -> Evaluation:
    """Three parts, one confusion, one miss, one false detection, one far outlier of position."""
    ramp = tuple(np.linspace(1, 0, 101).round(4).tolist())
    flat = (1.0,) * 101
    errors = [*np.linspace(0.05, 0.95, 30).round(3).tolist(), 40.0]
    spread = Spread(count=31, median=0.5, p95=0.95, worst=40.0)
    pose = PoseErrors(position_px=spread, position_mm=spread, angle_deg=spread, scale=spread)

    def row(name: str, ap: float | None, **counts: int) -> PartRow:
        numbers = {"instances": 0, "found": 0, "confused": 0, "missed": 0, "false": 0, "flipped_wrong": 0} | counts
        precision = Precision(ap=ap, ap50=None if ap is None else min(1.0, ap + 0.1), ap75=ap)
        return PartRow(part=name, precision=precision, position_px=spread if ap else NONE, angle_deg=NONE, **numbers)

    bins = [ScoreBin(low=k / 10, high=(k + 1) / 10, count=0, score_mean=None, right=None) for k in range(10)]
    bins[2] = ScoreBin(low=0.2, high=0.3, count=4, score_mean=0.25, right=0.25)
    bins[8] = ScoreBin(low=0.8, high=0.9, count=30, score_mean=0.85, right=0.9)
    return Evaluation(
        source="test split", detector="network of size s", pictures=5, instances=33, ignored=2, detections=34,
        seconds_per_picture=0.123,
        parts=tuple(PartTraits(name=p.name, symmetry=p.symmetry, chiral=p.chiral, area_mm2=p.area_mm2) for p in parts()),
        precision=Precision(ap=0.7071, ap50=0.8283, ap75=0.75),
        rows=(
            row(NAMES[0], 0.5, instances=20, found=19, confused=1),
            row(NAMES[1], 0.9, instances=13, found=12, missed=1, false=1),
            row(NAMES[2], None),
        ),
        curves=(
            Curve(iou=0.5, mean=ramp, parts={NAMES[0]: ramp, NAMES[1]: flat}),
            Curve(iou=0.75, mean=ramp, parts={NAMES[0]: ramp, NAMES[1]: flat}),
        ),
        confusion=Confusion(names=NAMES, counts=((19, 1, 0, 0), (0, 12, 0, 1), (0, 0, 0, 0), (0, 1, 0, 0))),
        look_alikes=(LookAlike(part=NAMES[0], taken_for=NAMES[1], count=1, share=0.05),),
        pose=pose, pose_clear=pose,
        by_size=(
            Band(low=0, high=24, instances=0, recall=None, iou_median=None, position_px_median=None),
            Band(low=24, high=None, instances=33, recall=0.94, iou_median=0.91, position_px_median=0.5),
        ),
        by_visibility=(Band(low=0.95, high=1.0, instances=33, recall=0.94, iou_median=0.9, position_px_median=0.5),),
        reliability=Reliability(bins=tuple(bins), expected_error=0.04, best_threshold=0.5, best_f1=0.93),
        matches=(
            *(_match(k, NAMES[0], NAMES[0], error, error / 10) for k, error in enumerate(errors)),
            _match(31, NAMES[0], NAMES[1], None, None),
        ),
        worst=(
            WorstCase(
                picture=3, file="000<3>.png", cost=2.5, faults=(f"{NAMES[0]} taken for {NAMES[1]}", "bracket missed"),
                instances=("confused", "missed"), detections=("confused",),
            ),
        ),
        versions={"kontur": "0.1.0"},
    )  # fmt: skip


def nothing_found() -> Evaluation:
    """No parts, no detections: every plot has to cope with that."""
    nowhere = PoseErrors(position_px=NONE, position_mm=NONE, angle_deg=NONE, scale=NONE)
    bins = tuple(ScoreBin(low=k / 10, high=(k + 1) / 10, count=0, score_mean=None, right=None) for k in range(10))
    size = len(NAMES) + 1
    empty = Precision(ap=None, ap50=None, ap75=None)
    return evaluation().model_copy(update={
        "instances": 0, "ignored": 0, "detections": 0, "seconds_per_picture": None, "precision": empty, "matches": (),
        "rows": tuple(r.model_copy(update={"precision": empty, "instances": 0, "found": 0, "confused": 0, "missed": 0,
                                           "false": 0}) for r in evaluation().rows),
        "curves": (Curve(iou=0.5, mean=(0.0,) * 101, parts={}), Curve(iou=0.75, mean=(0.0,) * 101, parts={})),
        "confusion": Confusion(names=NAMES, counts=((0,) * size,) * size), "look_alikes": (), "worst": (),
        "pose": nowhere, "pose_clear": nowhere, "by_size": (), "by_visibility": (),
        "reliability": Reliability(bins=bins, expected_error=None, best_threshold=None, best_f1=None),
    })  # fmt: skip
