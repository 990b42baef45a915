"""The command line as a whole: help, exit codes, one-line errors, and what is loaded when."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import typer

from kontur import __version__
from kontur.cli import EXIT_INTERRUPTED, app
from kontur.errors import KonturError

HEAVY = {"cv2", "ezdxf", "lightning", "matplotlib", "numpy", "onnxruntime", "pycocotools", "scipy", "shapely", "torch"}

COMMANDS = typer.main.get_command(app).commands

CONTRACT = {
    "new": {"--drawings"},
    "inspect": {"--json"},
    "generate": {"--count", "--seed", "--executor", "--workers"},
    "train": {"--minutes"},
    "export": set(),
    "evaluate": set(),
    "detect": {"--out", "--mm-per-px", "--json"},
    "demo": set(),
}
"""Other programs call these."""

WITHOUT_WORKSPACE = {"new", "demo"}
"""These take the folder itself as their argument."""


def options(name):
    return {option for parameter in COMMANDS[name].params for option in parameter.opts}


def loaded_by(code):
    """Run `code` in a fresh interpreter; return which heavy packages it loaded, or anything from."""
    program = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nprint('LOADED', *sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(result.stderr.split("LOADED", 1)[1].split()) & HEAVY


def test_the_contract_is_kept():
    assert set(CONTRACT) <= set(COMMANDS)
    for name, expected in CONTRACT.items():
        assert expected <= options(name), name


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_WORKSPACE))
def test_every_command_takes_a_workspace(name):
    assert "-C" in options(name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_has_an_example_that_parses(name, run_kontur):
    help_text = COMMANDS[name].help
    examples = re.findall(r"Example: (kontur [^\n]*)", help_text)
    assert examples, f"the help of {name} has no line 'Example: kontur ...'"
    for example in examples:
        words = shlex.split(example)
        assert words[1] == name
        COMMANDS[name].make_context(name, words[2:], resilient_parsing=False)
    shown = run_kontur(name, "--help")
    assert shown.code == 0
    assert "Example: kontur" in shown.out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_its_help(name):
    bare = [parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", None)]
    assert bare == []


def test_without_arguments_the_help_is_shown(run_kontur):
    shown = run_kontur()
    assert shown.code == 0
    assert all(name in shown.out for name in CONTRACT)


def test_version(run_kontur):
    assert run_kontur("--version").out == f"kontur {__version__}\n"


def test_numpy_is_loaded_with_one_thread_for_matrices():
    """OpenBLAS reads its variable once, when it is loaded, so the command line must come before NumPy."""
    program = (
        "import sys, kontur.cli; sys.argv = ['kontur', '--version']\n"
        "assert 'numpy' not in sys.modules\n"
        "try: kontur.cli.main()\n"
        "except SystemExit: pass\n"
        "import numpy; from threadpoolctl import threadpool_info; print({row['num_threads'] for row in threadpool_info()})"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout.endswith("{1}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("new",),
        ("train", "--minutes", "soon"),
        ("train", "--nonsense"),
        ("detect", "a.png"),
        ("generate", "--mm-per-px", "2", "1"),
        ("generate", "--mm-per-px", "0", "1"),
        ("generate", "--mm-per-px", "nan", "1"),
        ("generate", "--executor", "magic"),
        ("generate", "--count", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line_that_points_to_the_help(arguments, run_kontur):
    said = run_kontur(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert re.fullmatch(r"error: .*; see `kontur[ a-z]* --help`\n", said.err)


@pytest.mark.parametrize("name", sorted(set(CONTRACT) - {"new", "demo", "detect"}))
def test_a_folder_that_is_no_workspace_is_one_line(name, run_kontur, tmp_path):
    said = run_kontur(name, "-C", tmp_path)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(f"error: {tmp_path}: not a workspace")
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def failing_app(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("kontur.cli.app", fail)


@pytest.mark.parametrize("text", ["a\nb", "[/not] markup [bold]", "C:\\x.dxf", "x" * 300])
def test_an_error_is_one_line_whatever_its_text(text, run_kontur, monkeypatch):
    failing_app(monkeypatch, KonturError(text))
    assert run_kontur("inspect") == (2, "", f"error: {text.replace(chr(10), ' ')}\n")


def test_an_interruption_says_how_to_go_on(run_kontur, monkeypatch):
    failing_app(monkeypatch, KeyboardInterrupt())
    assert run_kontur("train") == (EXIT_INTERRUPTED, "", "interrupted; run the same command again to continue\n")


@pytest.mark.parametrize(("module", "extra"), [("torch", "train"), ("lightning.pytorch", "train"), ("dask", "dask")])
def test_a_missing_extra_says_what_to_install(run_kontur, monkeypatch, module, extra):
    failing_app(monkeypatch, ModuleNotFoundError(f"No module named {module!r}", name=module))
    said = run_kontur("train")
    assert said == (2, "", f"error: {module} is not installed; run: pip install 'kontur[{extra}]'\n")


def test_another_missing_module_is_a_fault_of_kontur(run_kontur, monkeypatch):
    failing_app(monkeypatch, ModuleNotFoundError("No module named 'kontur.nonsense'", name="kontur.nonsense"))
    with pytest.raises(ModuleNotFoundError):
        run_kontur("train")


def test_a_fault_of_kontur_itself_is_not_hidden(run_kontur, monkeypatch):
    failing_app(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run_kontur("train")


def test_importing_kontur_loads_nothing_heavy():
    assert loaded_by("import kontur") == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["train", "--help"], ["detect", "--help"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments):
    assert loaded_by(f"from kontur.cli import main; sys.argv[1:] = {arguments}; main()") == set()


def test_the_console_script_runs():
    script = subprocess.run(["kontur", "--version"], capture_output=True, text=True, check=True, env=_path_of_venv())
    assert script.stdout == f"kontur {__version__}\n"


def test_python_dash_m_runs():
    script = subprocess.run([sys.executable, "-m", "kontur", "--version"], capture_output=True, text=True, check=True)
    assert script.stdout == f"kontur {__version__}\n"


def _path_of_venv():
    import os
    from pathlib import Path

    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_json_is_one_document_without_numbers_that_json_lacks(capsys):
    from kontur.cli.common import print_json

    print_json({"name": "деталь", "values": [1.5, None]})
    assert json.loads(capsys.readouterr().out) == {"name": "деталь", "values": [1.5, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"value": float("nan")})


def test_the_progress_bar_stays_off_standard_output(capsys):
    from kontur.cli.common import progress_bar

    with progress_bar("working", "pictures") as progress:
        progress(0, 3)
        progress(3, 3)
    said = capsys.readouterr()
    assert said.out == ""
    assert "working" in said.err
    assert "3/3" in said.err
