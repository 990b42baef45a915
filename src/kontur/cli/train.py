"""`kontur train` and `kontur export`."""

from pathlib import Path
from typing import Annotated

import typer

from kontur.cli.common import ERR, OUT, JsonOption, WorkspaceOption, print_json


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
    from kontur.cli.steps import train_step

    info = train_step(workspace, minutes)
    if as_json:
        print_json(info.to_dict())
        return
    metrics = ", ".join(f"{name.removeprefix('val/')} {value:.3f}" for name, value in info.metrics.items())
    OUT.print(f"best validation: {metrics}", highlight=False)
    OUT.print(
        f"wrote {workspace / 'models' / 'checkpoint.pth'}; next: `kontur export`", highlight=False, soft_wrap=True
    )


def export(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Export the trained network to ONNX and check that it answers as the checkpoint does.

    Example: kontur export
    """
    from kontur.cli.steps import export_step

    target, info, difference = export_step(workspace)
    if as_json:
        print_json({"file": str(target), "greatest_difference": difference, "parts": [p.name for p in info.parts]})
        return
    ERR.print(f"greatest difference from PyTorch: {difference:.1e}", highlight=False)
    OUT.print(f"wrote {target}", highlight=False, soft_wrap=True)
