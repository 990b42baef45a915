"""`kontur train` and `kontur export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontur.cli.common import ERR, OUT, JsonOption, WorkspaceOption, print_json

if TYPE_CHECKING:
    from kontur.modeling.model_info import ModelInfo
    from kontur.modeling.training_task import TrainingState


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(export)


def train(
    workspace: WorkspaceOption = Path(),
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Time limit; overrides the configuration.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train the network on the generated data set and write models/checkpoint.pth.

    An interrupted training continues where it was when the same command is given again.

    Example: kontur train --minutes 10
    """
    info = _train(workspace, minutes)
    if as_json:
        print_json(info.to_dict())
        return
    metrics = ", ".join(f"{name.removeprefix('val/')} {value:.3f}" for name, value in info.metrics.items())
    OUT.print(f"best validation: {metrics}", highlight=False)
    OUT.print(f"wrote {workspace / 'models' / 'checkpoint.pth'}; next: kontur export", highlight=False, soft_wrap=True)


def export(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Export the trained network to ONNX and check that it answers as the checkpoint does.

    Example: kontur export
    """
    from kontur.workspace import open_workspace

    space = open_workspace(workspace)

    from kontur.modeling.export import export_onnx

    info, difference = export_onnx(space.checkpoint, space.onnx)
    if as_json:
        document = {"file": str(space.onnx), "greatest_difference": difference, "parts": [p.name for p in info.parts]}
        print_json(document)
        return
    OUT.print(f"wrote {space.onnx} (differs from PyTorch by {difference:.0e})", highlight=False, soft_wrap=True)


def _train(root: Path, minutes: float | None) -> "ModelInfo":
    from kontur.config import load_config
    from kontur.data_preprocessing.dataset import open_dataset
    from kontur.modeling.train_config import TrainConfig
    from kontur.workspace import open_workspace

    space = open_workspace(root)
    config = load_config(space.train_config, TrainConfig)
    if minutes is not None:
        config = config.model_copy(update={"training": config.training.model_copy(update={"minutes": minutes})})
    samples = {split: open_dataset(space, split) for split in ("train", "val")}

    from kontur.modeling.model_info import info_of_dataset  # PyTorch takes seconds to load: first see that all is there
    from kontur.modeling.train import train as run
    from kontur.modeling.train import unfinished

    info = info_of_dataset(samples["train"].manifest, config.network.size)
    verb = "continuing" if unfinished(space) else "training"
    ERR.print(
        f"{verb}: {len(info.parts)} parts, {len(samples['train'])} pictures, {config.training.minutes:g} minutes",
        highlight=False,
    )
    with _TrainingBar() as bar:
        return run(space, samples, info, config, on_state=bar.show)


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
