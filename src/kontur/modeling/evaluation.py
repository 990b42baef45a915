"""What an evaluation found, as data: written to reports/evaluation.json and read by the plots and the report.

Fractions are 0..1, None where there is nothing to take them of. Position errors are distances of datums. Angle errors are
modulo the part's symmetry and None for parts of continuous symmetry.
"""

from pathlib import Path

from pydantic import ValidationError

from kontur.config import Section
from kontur.errors import WorkspaceError
from kontur.files import write_text

FILE_NAME = "evaluation.json"
FORMAT = 1


class PartTraits(Section):
    """What a part of the evaluated list is like; `area_mm2` tells how big."""

    name: str
    symmetry: int
    chiral: bool
    area_mm2: float


class Precision(Section):
    """COCO's average precision of masks: mean over IoU 0.50 to 0.95, at 0.50 and at 0.75."""

    ap: float | None
    ap50: float | None
    ap75: float | None


class Spread(Section):
    """How a set of absolute errors is spread; None throughout when the set is empty."""

    count: int
    median: float | None
    p95: float | None
    worst: float | None


class PoseErrors(Section):
    """Errors of pose over correctly named matches; scale as a fraction of the true scale."""

    position_px: Spread
    position_mm: Spread
    angle_deg: Spread
    scale: Spread


class PartRow(Section):
    """How one part did.

    Attributes:
        instances: that count (not ignored); found, confused and missed add up to it.
        found: matched by a detection with its name.
        confused: matched by a detection with another name.
        missed: matched by none.
        false: detections with its name where nothing is.
        flipped_wrong: found, but taken for lying on its other face (chiral parts only).
    """

    part: str
    instances: int
    found: int
    confused: int
    missed: int
    false: int
    flipped_wrong: int
    precision: Precision
    position_px: Spread
    angle_deg: Spread


class Curve(Section):
    """Precision at 101 recalls 0, 0.01, ..., 1 at one IoU; the mean over parts, and each part that occurs."""

    iou: float
    mean: tuple[float, ...]
    parts: dict[str, tuple[float, ...]]


class Confusion(Section):
    """Counts of what was there (row) against what was said (column).

    Rows: the parts, then "nothing there". Columns: the parts, then "missed". The last corner is 0.
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class LookAlike(Section):
    """A part that was taken for another, and the share of its matched instances that were."""

    part: str
    taken_for: str
    count: int
    share: float


class Band(Section):
    """Instances within a range [low, high) of size (px) or visible fraction; high is None for the last of sizes."""

    low: float
    high: float | None
    instances: int
    recall: float | None
    iou_median: float | None
    position_px_median: float | None


class ScoreBin(Section):
    """Detections with scores within [low, high]: how many, their mean score, and the fraction that are right."""

    low: float
    high: float
    count: int
    score_mean: float | None
    right: float | None


class Reliability(Section):
    """Whether a score of 0.9 is right nine times in ten.

    Attributes:
        bins: ten, evenly spaced.
        expected_error: mean distance between score and fraction right, weighted by count (expected calibration error).
        best_threshold: the score above which precision and recall balance best (greatest F1), and that F1.
        best_f1: that F1.
    """

    bins: tuple[ScoreBin, ...]
    expected_error: float | None
    best_threshold: float | None
    best_f1: float | None


class Match(Section):
    """A detection and the true instance it covers; pose errors where both poses are known and the name is right.

    Attributes:
        picture, instance, detection: indices.
        size_px: square root of the true visible area.
        flipped_right: None for parts that look the same from the back.
    """

    picture: int
    instance: int
    detection: int
    part: str
    said: str
    iou: float
    score: float
    size_px: float
    visible_fraction: float | None
    position_px: float | None
    position_mm: float | None
    angle_deg: float | None
    scale: float | None
    flipped_right: bool | None


class WorstCase(Section):
    """A picture in which much went wrong.

    Attributes:
        picture: index.
        file: the picture's name.
        cost: 1 for each missed, wrongly named and false part, less for poor masks.
        faults: in words.
        instances: verdict of each true instance: found, confused, missed or ignored.
        detections: verdict of each detection: right, confused, false or ignored.
    """

    picture: int
    file: str
    cost: float
    faults: tuple[str, ...]
    instances: tuple[str, ...]
    detections: tuple[str, ...]


class EngineRow(Section):
    """How one engine did on the same pictures, to be set side by side with others.

    Attributes:
        engine: network, match or both.
        precision: of masks.
        pose: of clearly visible parts, as `Evaluation.pose_clear`.
        found, confused, missed, false: counts over all parts.
    """

    engine: str
    precision: Precision
    pose: PoseErrors
    found: int
    confused: int
    missed: int
    false: int
    seconds_per_picture: float | None


class Evaluation(Section):
    """Everything that an evaluation found.

    Attributes:
        source: what was evaluated on: a split of the data set, or a folder.
        detector: what was evaluated.
        pictures, instances, ignored, detections: counts; `instances` leaves out the ignored ones.
        seconds_per_picture: wall time of the detector; None when detections came from a file.
        pose: all correctly named matches; `pose_clear`: those of which more than 95 % can be seen.
        versions: of kontur and the libraries.
        engines: side by side, when several were measured on the same pictures.
    """

    format: int = FORMAT
    source: str
    detector: str
    pictures: int
    instances: int
    ignored: int
    detections: int
    seconds_per_picture: float | None
    parts: tuple[PartTraits, ...]
    precision: Precision
    rows: tuple[PartRow, ...]
    curves: tuple[Curve, ...]
    confusion: Confusion
    look_alikes: tuple[LookAlike, ...]
    pose: PoseErrors
    pose_clear: PoseErrors
    by_size: tuple[Band, ...]
    by_visibility: tuple[Band, ...]
    reliability: Reliability
    matches: tuple[Match, ...]
    worst: tuple[WorstCase, ...]
    versions: dict[str, str]
    engines: tuple[EngineRow, ...] = ()


def engine_row(engine: str, evaluation: Evaluation) -> EngineRow:
    """Return what is set side by side of an engine's evaluation."""
    counts = {
        name: sum(getattr(row, name) for row in evaluation.rows) for name in ("found", "confused", "missed", "false")
    }
    return EngineRow(
        engine=engine,
        precision=evaluation.precision,
        pose=evaluation.pose_clear,
        seconds_per_picture=evaluation.seconds_per_picture,
        **counts,
    )


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write evaluation.json into a folder and return its path."""
    path = folder / FILE_NAME
    write_text(path, evaluation.model_dump_json(indent=1) + "\n")
    return path


def read_evaluation(folder: Path) -> Evaluation:
    """Read evaluation.json from a folder.

    Raises:
        WorkspaceError: missing, or written by another version.
    """
    path = folder / FILE_NAME
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be read ({error.strerror}); run `kontur evaluate`") from error
    except ValidationError as error:
        raise WorkspaceError(f"{path}: not of this version of kontur; run `kontur evaluate` again") from error
