"""The command line: parse, call, print. Heavy imports happen inside the commands, so that --help answers at once."""

import sys

import typer

from kontur import __version__
from kontur.cli.common import ERR
from kontur.errors import KonturError

app = typer.Typer(
    name="kontur",
    help="Machine vision for flat parts from their DXF drawings, on an ordinary CPU.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line; exit with 0 good, 1 a check failed, 2 wrong use or input, 130 interrupted."""
    try:
        app()
    except KonturError as error:
        ERR.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(EXIT_WRONG_INPUT)
    except KeyboardInterrupt:
        ERR.print("interrupted; run the same command again to continue")
        sys.exit(EXIT_INTERRUPTED)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kontur {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass
