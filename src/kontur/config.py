"""YAML configuration files as pydantic models: every fault is reported at once, with its line."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kontur.errors import ConfigError


class Section(BaseModel):
    """Base of every configuration section: unknown keys are faults, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def load_config(path: Path, model: type[Model]) -> Model:
    """Read `path` into `model`; keys that are absent keep the model's defaults.

    Raises:
        ConfigError: unreadable file, broken YAML, or wrong keys and values (all listed, each as `file:line: key: fault`).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); `kontur new` writes a default one") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)}); mend this line"
        ) from error
    try:
        return model.model_validate({} if values is None else values)
    except ValidationError as error:
        raise ConfigError(_list_faults(path, node, error)) from error


def _list_faults(path: Path, node: yaml.Node | None, error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    rows = []
    for fault in faults:
        key = ".".join(str(step) for step in fault["loc"]) or "(whole file)"
        text = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
        rows.append((_line_of(node, fault["loc"]), f"{key}: {text}"))
    rows.sort()
    return f"{len(rows)} fault{'s' * (len(rows) > 1)}: " + "; ".join(f"{path}:{line}: {text}" for line, text in rows)


def _line_of(node: yaml.Node | None, location: tuple[Any, ...]) -> int:
    """Return the 1-based line of the deepest node on `location` that the file holds."""
    line = 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
