"""Exports in every format and precision, refused where a lower precision costs too much accuracy.

The cost is measured where it matters: on what the whole detector finds in synthetic pictures that the network was not
trained on, as COCO's AP50-95 of the masks, in points (hundredths).
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kontur.config import load_config
from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.known_parts import open_known_parts
from kontur.errors import DatasetError, ModelError
from kontur.modeling.evaluate import run_detector
from kontur.modeling.export import export_onnx
from kontur.modeling.ground_truth import GroundTruth, read_split
from kontur.modeling.inference import NetworkDetector
from kontur.modeling.metrics import coco_scores
from kontur.modeling.model_files import SUFFIX_OF, exported_path
from kontur.modeling.runtimes import RuntimeChoice
from kontur.modeling.train_config import TrainConfig
from kontur.pictures import Picture
from kontur.workspace import Workspace

MOST_COST = 0.5
"""AP50-95 points that a lower precision may cost."""
CALIBRATION_PICTURES = 32
CHECK_PICTURES = 48

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Export:
    """What an export came to.

    Attributes:
        path: the file written.
        parts: names of the parts that the network knows.
        difference: greatest difference of the fp32 network from PyTorch, of its greatest output.
        ap_fp32, ap: AP50-95 in points, of fp32 and of this precision; None for fp32, which needs no check.
        pictures: on how many pictures.
    """

    path: Path
    parts: tuple[str, ...]
    difference: float
    ap_fp32: float | None = None
    ap: float | None = None
    pictures: int = 0


def export_network(workspace: Workspace, form: str, precision: str, on_progress: Progress) -> Export:
    """Export the checkpoint; models/checkpoint.onnx is written in any case.

    Args:
        workspace: with a checkpoint, and a data set when `precision` is not fp32.
        form: onnx or openvino.
        precision: fp32, bf16 (openvino only) or int8.
        on_progress: called with pictures done and their number while the accuracy is checked.

    Raises:
        ModelError: no usable checkpoint, or the precision costs more than MOST_COST; then nothing but fp32 is written.
        DatasetError: no data set to calibrate and check on.
    """
    if (form, precision) == ("onnx", "bf16"):
        raise ModelError(f"{precision} in {form}: there are no bf16 convolutions for processors; use --format openvino")
    info, difference = export_onnx(workspace.checkpoint, workspace.onnx)
    target = exported_path(workspace, SUFFIX_OF[form], precision)
    export = Export(target, tuple(part.name for part in info.parts), difference)
    if precision == "fp32":
        _write(form, workspace.onnx, target, precision)
        return export
    with tempfile.TemporaryDirectory(dir=workspace.models) as folder:
        source = workspace.onnx
        if precision == "int8":
            from kontur.modeling.quantise import quantise_onnx

            source = Path(folder) / "checkpoint.int8.onnx"
            quantise_onnx(workspace.onnx, source, calibration_pictures(workspace))
        choice = RuntimeChoice("onnxruntime" if form == "onnx" else "openvino", precision)
        export = _checked(workspace, source, choice, export, on_progress)
        _write(form, source, target, precision)
    return export


def calibration_pictures(workspace: Workspace) -> list[Picture]:
    """Return synthetic pictures of the val split.

    Raises:
        DatasetError: there is no data set, or its val split is empty.
    """
    samples = open_dataset(workspace, "val")
    if len(samples) == 0:
        raise DatasetError(f"{workspace.processed}: no val pictures to calibrate on; run `kontur generate`")
    return [samples[k].image for k in range(min(CALIBRATION_PICTURES, len(samples)))]


def average_precision(
    path: Path, truth: GroundTruth, workspace: Workspace, choice: RuntimeChoice, on: Progress
) -> float:
    """Return the mask AP50-95 in points of the whole detector with this network; 0 where no part occurs."""
    config = load_config(workspace.train_config, TrainConfig).detection
    detector = NetworkDetector(path, truth.parts, config, choice=choice)
    run = run_detector(detector, truth, on)
    scores = coco_scores([part.name for part in truth.parts], truth.pictures, run.results)
    return 100 * (scores.overall().ap or 0.0)


def _checked(
    workspace: Workspace, source: Path, choice: RuntimeChoice, export: Export, on_progress: Progress
) -> Export:
    """Measure what the precision costs.

    Raises:
        ModelError: more than MOST_COST.
    """
    truth = _check_pictures(workspace)
    total = 2 * len(truth.pictures)
    reference = average_precision(
        workspace.onnx, truth, workspace, RuntimeChoice(), lambda done, _: on_progress(done, total)
    )
    done_before = len(truth.pictures)
    lower = average_precision(source, truth, workspace, choice, lambda done, _: on_progress(done_before + done, total))
    if reference - lower > MOST_COST:
        raise ModelError(
            f"{export.path}: not written: {choice.precision} costs {reference - lower:.2f} AP "
            f"({reference:.2f} in fp32, {lower:.2f} in {choice.precision}, {done_before} pictures), "
            f"at most {MOST_COST:g} are allowed; use another precision or train longer"
        )
    return replace(export, ap_fp32=reference, ap=lower, pictures=done_before)


def _check_pictures(workspace: Workspace) -> GroundTruth:
    """Return the first pictures of the test split and, where those are few, of the val split."""
    _, parts = open_known_parts(workspace)
    splits = [read_split(workspace, split, parts) for split in ("test", "val")]
    rows = [(truth, k) for truth in splits for k in range(len(truth.pictures))][:CHECK_PICTURES]
    if not rows:
        raise DatasetError(f"{workspace.processed}: no test or val pictures to check on; run `kontur generate`")
    pictures = tuple(truth.pictures[k] for truth, k in rows)
    return replace(splits[0], pictures=pictures, load=lambda index: rows[index][0].load(rows[index][1]))


def _write(form: str, source: Path, target: Path, precision: str) -> None:
    if form == "openvino":
        from kontur.modeling.openvino_files import write_openvino

        write_openvino(source, target, precision)
    elif source != target:
        source.replace(target)
