"""models/runtime.json: the runtime that `kontur tune` found the fastest, and which one is used."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kontur.errors import ModelError
from kontur.files import write_text
from kontur.hardware.processor import read_processor
from kontur.modeling.model_files import read_model_file
from kontur.modeling.runtimes import RuntimeChoice
from kontur.workspace import Workspace

FILE_NAME = "runtime.json"


def store_choice(workspace: Workspace, choice: RuntimeChoice, evidence: dict[str, Any]) -> Path:
    """Write the choice, the weights it holds for, and what was measured; returns where."""
    path = workspace.models / FILE_NAME
    weights = read_model_file(workspace.onnx).weights
    circumstances = {"weights": weights, "processor": read_processor().name}
    write_text(path, json.dumps({**asdict(choice), **circumstances, **evidence}, indent=1) + "\n")
    return path


def choose_runtime(
    workspace: Workspace, runtime: str | None = None, precision: str | None = None, threads: int | None = None
) -> RuntimeChoice:
    """Return the runtime to use: what is asked for, else what was tuned for these weights, else the default.

    Raises:
        ModelError: no such runtime or precision, or a damaged runtime.json.
    """
    if runtime is None and precision is None:
        choice = _tuned(workspace) or RuntimeChoice()
    else:
        choice = RuntimeChoice(runtime or RuntimeChoice.runtime, precision or RuntimeChoice.precision)
    return choice if threads is None else replace(choice, threads=threads)


def _tuned(workspace: Workspace) -> RuntimeChoice | None:
    """Return the stored choice; None where there is none, or it was made for other weights or on another processor."""
    path = workspace.models / FILE_NAME
    if not path.is_file() or not workspace.onnx.is_file():
        return None
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        choice = RuntimeChoice(str(stored["runtime"]), str(stored["precision"]), int(stored["threads"]))
        circumstances = stored["weights"], stored["processor"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged ({error}); run `kontur tune` again or delete it") from error
    return choice if circumstances == (read_model_file(workspace.onnx).weights, read_processor().name) else None
