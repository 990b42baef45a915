"""`kontur demo`: the whole way on the example drawings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontur.cli.common import OUT

if TYPE_CHECKING:
    from kontur.workspace import Workspace

DEMO_PICTURES = 1600
DEMO_SEED = 7
DEMO_MINUTES = 6.0
SHOWN_PICTURES = 12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The workspace to make; ./demo by default.")] = Path(
        "demo"
    ),
    count: Annotated[int, typer.Option(min=50, help="Pictures to generate.")] = DEMO_PICTURES,
    minutes: Annotated[float, typer.Option(min=0.1, help="Minutes to train.")] = DEMO_MINUTES,
) -> None:
    """Go the whole way on the example drawings: inspect, generate, train, export, evaluate, detect.

    About 12 minutes on two cores. What is already done is not done again: after an interrupt the same command goes on.

    Example: kontur demo demo
    """
    from kontur.cli.detect import detect
    from kontur.cli.evaluate import evaluate
    from kontur.cli.generate import generate
    from kontur.cli.inspect import inspect
    from kontur.cli.train import export, train
    from kontur.modeling.checkpoint import is_trained
    from kontur.scaffold import create_workspace, example_drawings
    from kontur.workspace import Workspace

    space = Workspace(folder)
    _title(1, "workspace")
    if not space.data_config.is_file():
        create_workspace(folder, example_drawings())
        _lay_face_up(space)
    _title(2, "inspect the drawings")
    inspect(workspace=folder)
    _title(3, "generate pictures")
    generate(workspace=folder, count=count, seed=DEMO_SEED)
    _title(4, "train and export")
    if not is_trained(space):
        train(workspace=folder, minutes=minutes)
    export(workspace=folder)
    _title(5, "evaluate on the test pictures")
    evaluate(workspace=folder)
    _title(6, "detect")
    pictures = sorted((space.processed / "test" / "images").iterdir())[:SHOWN_PICTURES]
    detect([str(path) for path in pictures], folder / "results", workspace=folder)
    OUT.print(f"\nreport: {space.reports / 'report.html'}", highlight=False, soft_wrap=True)
    OUT.print(f"overlays: {folder / 'results' / 'overlays'}", highlight=False, soft_wrap=True)


def _lay_face_up(space: "Workspace") -> None:
    """The examples hold a part and its mirror image: face down, each would look like the other."""
    from kontur.files import write_text

    config = space.data_config.read_text(encoding="utf-8")
    write_text(space.data_config, config.replace("\nfaces: both", "\nfaces: up  ", 1))
    OUT.print("faces: up, because the examples hold a part and its mirror image", highlight=False)


def _title(number: int, text: str) -> None:
    OUT.rule(f"{number} of 6: {text}", align="left")
