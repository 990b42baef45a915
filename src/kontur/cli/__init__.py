"""The command line: parse, call, print. Heavy imports happen inside the commands, so that --help answers at once."""

import os
import sys
from importlib import import_module
from importlib.util import find_spec

import typer
from rich.markup import escape

from kontur import __version__
from kontur.cli.common import ERR
from kontur.errors import KonturError
from kontur.files import printable
from kontur.hardware.threads import BLAS_VARIABLE

app = typer.Typer(
    name="kontur",
    help="Machine vision for flat parts from their DXF drawings, on an ordinary CPU.",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMAND_MODULES = (
    "new", "inspect", "generate", "augment", "train", "tune", "evaluate", "detect", "match", "serve", "collect", "doctor",
    "bench", "demo",
)  # fmt: skip
"""In the order of --help, which is the order of use."""

EXTRA_OF = {
    **dict.fromkeys(("torch", "lightning", "onnx", "onnxscript", "tensorboard"), "train"),
    **dict.fromkeys(("dask", "distributed"), "dask"),
    "openvino": "openvino",
    **dict.fromkeys(
        ("fastapi", "uvicorn", "prometheus_client", "multipart", "limits", "pythonjsonlogger", "starlette"), "serve"
    ),
}
"""Which extra brings a package that only some commands need."""

EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line; exit with 0 good, 1 a check failed, 2 wrong use or input, 130 interrupted."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # a picture that cannot be decoded is told of by kontur
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some takes longer than all models do
    os.environ[BLAS_VARIABLE] = "1"  # before NumPy is loaded, which else starts threads that nobody uses
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="kontur", standalone_mode=False)
    except KonturError as error:
        code = _fail(str(error))
    except typer.TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "kontur")
        code = _fail(f"{error.format_message().replace('Value error, ', '').rstrip('.')}; see `{path} --help`")
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        code = _fail(f"{error.name} is not installed; run: pip install 'kontur[{extra}]'")
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:
        ERR.print("interrupted; run the same command again to continue")
    sys.exit(code or 0)


def _fail(text: str) -> int:
    ERR.print(f"[bold red]error:[/] {escape(printable(' '.join(text.split())))}", highlight=False, soft_wrap=True)
    return EXIT_WRONG_INPUT


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kontur {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass


for _name in COMMAND_MODULES:
    if find_spec(f"{__name__}.{_name}"):
        import_module(f"{__name__}.{_name}").register(app)
