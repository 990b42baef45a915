"""`kontur train` and `kontur export`."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontur.cli.common import ERR, OUT, JsonOption, ThreadsOption, WorkspaceOption, print_json, progress_bar

if TYPE_CHECKING:
    from kontur.modeling.forecast import Forecast
    from kontur.modeling.model_info import ModelInfo
    from kontur.modeling.training_task import TrainingState


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(export)


def train(
    workspace: WorkspaceOption = Path(),
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Time limit; overrides the configuration.")] = None,
    on_the_fly: Annotated[
        bool, typer.Option("--on-the-fly", help="Render pictures while training; no data set is read or written.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Go on from a trained network; its parts may be fewer or others."),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Mix in your photographs, annotated in COCO's or YOLO's format.")
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Read shards from this folder or URL, not the workspace's data set."),
    ] = None,
    machines: Annotated[int, typer.Option(min=1, help="Machines that train together, each with this command.")] = 1,
    rank: Annotated[int, typer.Option(min=0, help="Number of this machine, from 0.")] = 0,
    main: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where machine 0 can be reached by the others.")
    ] = "127.0.0.1:29500",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the network and write models/checkpoint.pth.

    An interrupted training continues where it was when the same command is given again.

    Example: kontur train --minutes 10

    Example, for one drawing more: kontur train --from models/checkpoint.pth --on-the-fly --minutes 3

    Example, with your pictures: kontur train --from models/checkpoint.pth --photos photos --minutes 3

    Example, on the second of two machines: kontur train --machines 2 --rank 1 --main 192.168.1.10:29500
    """
    if shards and on_the_fly:
        raise typer.BadParameter("--shards and --on-the-fly: give one of them")
    if rank >= machines:
        raise typer.BadParameter(f"--rank {rank}: machines are numbered from 0 to {machines - 1}")
    from kontur.hardware.threads import use_threads

    use_threads(threads)
    info = _train(workspace, minutes, on_the_fly, start, photos, shards, (machines, rank, main))
    if as_json:
        print_json(info.to_dict())
        return
    metrics = ", ".join(f"{name.removeprefix('val/')} {value:.3f}" for name, value in info.metrics.items())
    OUT.print(f"best validation: {metrics}", highlight=False)
    OUT.print(f"wrote {workspace / 'models' / 'checkpoint.pth'}; next: kontur export", highlight=False, soft_wrap=True)


class FormatName(StrEnum):
    """Formats of exported networks."""

    ONNX = "onnx"
    OPENVINO = "openvino"


class PrecisionName(StrEnum):
    """Precisions of exported networks."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


def export(
    workspace: WorkspaceOption = Path(),
    form: Annotated[
        FormatName, typer.Option("--format", help="onnx, for all runtimes, or openvino.")
    ] = FormatName.ONNX,
    precision: Annotated[
        PrecisionName,
        typer.Option(help="fp32; bf16 (openvino only); int8, calibrated on the synthetic val pictures."),
    ] = PrecisionName.FP32,
    as_json: JsonOption = False,
) -> None:
    """Export the trained network and check that it answers as the checkpoint does.

    bf16 and int8 are measured against fp32 on synthetic pictures, and refused when they cost more than 0.5 AP.

    Example: kontur export

    Example: kontur export --precision int8
    """
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)

    from kontur.modeling.export_formats import export_network

    with (
        nullcontext(lambda *_: None) if precision is PrecisionName.FP32 else progress_bar("checking", "pictures") as on
    ):
        done = export_network(space, form.value, precision.value, on)
    if as_json:
        document = {"file": str(done.path), "greatest_difference": done.difference, "parts": list(done.parts)}
        print_json({**document, "ap_fp32": done.ap_fp32, "ap": done.ap, "pictures": done.pictures})
        return
    said = f"differs from PyTorch by {done.difference:.0e}"
    if done.ap is not None and done.ap_fp32 is not None:
        said = f"AP50-95 {done.ap:.2f}, {done.ap_fp32:.2f} in fp32, on {done.pictures} pictures"
    OUT.print(f"wrote {done.path} ({said})", highlight=False, soft_wrap=True)


def _train(
    root: Path,
    minutes: float | None,
    on_the_fly: bool,
    start: Path | None,
    photos: Path | None,
    shards: str | None,
    who: tuple[int, int, str],
) -> "ModelInfo":
    from kontur.config import load_config
    from kontur.modeling.train_config import TrainConfig
    from kontur.modeling.training_data import open_training_data
    from kontur.workspace import open_workspace

    space = open_workspace(root)
    config = load_config(space.train_config, TrainConfig)
    if minutes is not None:
        config = config.model_copy(update={"training": config.training.model_copy(update={"minutes": minutes})})
    data = open_training_data(space, config, on_the_fly, photos, shards)

    from kontur.modeling.calibrate import (
        calibrate_checkpoint,  # PyTorch takes seconds to load: first see that all is there
    )
    from kontur.modeling.train import Machines, Watch, unfinished
    from kontur.modeling.train import train as run

    verb = "continuing" if unfinished(space) else "training"
    ERR.print(f"{verb}: {len(data.parts)} parts, {data.source}, {config.training.minutes:g} minutes", highlight=False)
    with _TrainingBar() as bar:
        watch = Watch(_tell_forecast, bar.show)
        info = run(space, {"train": data.train, "val": data.val}, data.info, config, watch, start, Machines(*who))
    if who[1] > 0:
        return info
    with progress_bar("calibrating the scores", "pictures") as on_progress:
        return calibrate_checkpoint(space, data.parts, data.val, config.detection, on_progress)


def _tell_forecast(forecast: "Forecast") -> None:
    end = datetime.now() + timedelta(seconds=forecast.seconds)
    steps = f"{forecast.steps} steps of {forecast.step_seconds:.2f} s in {forecast.precision}, done at {end:%H:%M}"
    said = f"forecast: {steps}" if forecast.measured else f"at most {steps}; the first steps will tell more"
    ERR.print(said, highlight=False)


class _TrainingBar:
    """A progress bar over the time budget, with the latest numbers."""

    def __enter__(self) -> "_TrainingBar":
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("training"), BarColumn(), TextColumn("{task.percentage:3.0f} % of the time, left"),
            TimeRemainingColumn(), TextColumn("{task.description}"), console=ERR,
        )  # fmt: skip
        self._task = self._bar.add_task("")
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, state: "TrainingState") -> None:
        """Move the bar to a state."""
        numbers = {"step": f"{state.step}", "loss": _number(state.metrics.get("loss"))}
        numbers |= {"parts right": _number(state.metrics.get("val/part_accuracy"))}
        text = "  ".join(f"{name} {value}" for name, value in numbers.items() if value)
        self._bar.update(self._task, total=state.planned_seconds, completed=state.seconds, description=text)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
