"""YAML configuration files as pydantic models: every fault is reported at once, with its line."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from kontur.errors import ConfigError


class Section(BaseModel):
    """Base of every configuration section: unknown keys are faults, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where PyYAML has it: ten times as fast."""

Model = TypeVar("Model", bound=BaseModel)

Fault = tuple[int, str]
"""1-based line, and what is wrong there."""


def load_config(path: Path, model: type[Model]) -> Model:
    """Read `path` into `model`; keys that are absent keep the model's defaults.

    Raises:
        ConfigError: unreadable file, broken YAML, or wrong keys and values (all listed, each as `file:line: key: fault`).
    """
    node, values = _parse(path)
    faults = list(_duplicate_keys(node))
    try:
        config = model.model_validate({} if values is None else values)
    except ValidationError as error:
        faults += _validation_faults(node, model, error)
    if faults:
        texts = "; ".join(f"{path}:{line}: {text}" for line, text in sorted(faults))
        raise ConfigError(f"{len(faults)} fault{'s' * (len(faults) > 1)}: {texts}")
    return config


def _parse(path: Path) -> tuple[yaml.Node | None, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); `kontur new` writes a default one") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    try:
        return yaml.compose(text, Loader=_LOADER), yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else f"{path}"
        fault = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{place}: not valid YAML ({fault}); mend this line") from error
    except ValueError as error:  # a date or number of the right shape that does not exist, as 2020-13-45
        raise ConfigError(f"{path}: a value that does not exist ({error}); mend it or put it in quotes") from error


def _duplicate_keys(node: yaml.Node | None, prefix: str = "") -> Iterator[Fault]:
    """Yield every key that a mapping at or below `node` holds again."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            yield key.start_mark.line + 1, f"{prefix}{key.value}: given twice; keep one"
        seen.add(str(key.value))
        yield from _duplicate_keys(value, f"{prefix}{key.value}.")


def _validation_faults(node: yaml.Node | None, model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors(include_url=False):
        location = fault["loc"]
        key = ".".join(str(step) for step in location) or "(whole file)"
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            near = get_close_matches(str(location[-1]), _keys_at(model, location[:-1]), 1)
            text = f"unknown key; did you mean {near[0]}?" if near else "unknown key; remove it"
        yield _line_of(node, location), f"{key}: {text}"


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Return the keys that the section at `location` knows; none where it is not a plain section."""
    section: Any = model
    for step in location:
        fields = getattr(section, "model_fields", {})
        section = fields[step].annotation if step in fields else None
    return list(getattr(section, "model_fields", {}))


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
