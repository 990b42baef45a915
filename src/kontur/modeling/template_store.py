"""Templates in files: one .npz per bank in a workspace's models/opencv_templates, named by what it was made from.

The name holds a hash of the parts' geometry, the scale range, the faces and the options, so a changed drawing or setting
never meets old templates. Reading never unpickles.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kontur.errors import ModelError, reason
from kontur.files import atomic_path
from kontur.geometry import Part
from kontur.modeling.templates import (
    BankOptions,
    TemplateBank,
    TemplateGroup,
    build_bank,
    renumbered,
    size_classes,
)

FORMAT = 4
SUFFIX = ".npz"


def bank_key(parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions) -> dict[str, Any]:
    """Return everything that a bank depends on, ready for JSON."""
    return {
        "format": FORMAT,
        "parts": [{"name": part.name, "sha256": part.sha256} for part in parts],
        "px_per_mm": list(px_per_mm),
        "faces": faces,
        "options": asdict(options),
    }


def bank_path(folder: Path, key: dict[str, Any]) -> Path:
    """Return where the bank of this key is stored."""
    text = json.dumps(key, sort_keys=True)
    return folder / f"templates-{hashlib.sha256(text.encode()).hexdigest()[:16]}{SUFFIX}"


def open_banks(
    folder: Path, parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions | None = None
) -> list[TemplateBank]:
    """Return the banks of these parts, one for each class of sizes, from their files; build and write those that lack.

    Raises:
        WorkspaceError: a file cannot be written.
    """
    options = options or BankOptions()
    return [open_class(folder, parts, members, px_per_mm, faces, options) for members in size_classes(parts)]


def open_class(
    folder: Path,
    parts: Sequence[Part],
    members: Sequence[int],
    px_per_mm: tuple[float, float],
    faces: str,
    options: BankOptions,
) -> TemplateBank:
    """Return the bank of one class of parts, `members` of the part list, from its file; build and write it if it lacks.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    return renumbered(_open_bank(folder, [parts[index] for index in members], px_per_mm, faces, options), members)


def _open_bank(
    folder: Path, parts: Sequence[Part], px_per_mm: tuple[float, float], faces: str, options: BankOptions
) -> TemplateBank:
    key = bank_key(parts, px_per_mm, faces, options)
    path = bank_path(folder, key)
    if path.is_file():
        return read_bank(path)
    bank = build_bank(parts, px_per_mm, faces, options)
    write_bank(path, bank, key)
    return bank


def write_bank(path: Path, bank: TemplateBank, key: dict[str, Any]) -> None:
    """Write a bank with what it was made from.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    groups = [
        {"part": g.part, "flipped": g.flipped, "scale": g.scale_px_per_mm, "radius": g.radius_cells, "rows": g.rows}
        for g in bank.groups
    ]
    head = {
        "key": key,
        "reduction": bank.reduction,
        "track": bank.track_reduction,
        "cell_px": bank.cell_px,
        "size": bank.size,
    }
    text = np.frombuffer(json.dumps({**head, "groups": groups}).encode(), np.uint8)
    angles = np.concatenate([group.angles_rad for group in bank.groups])
    with atomic_path(path) as temporary:
        np.savez(temporary, head=text, angles=angles, basis=bank.basis, coefficients=bank.coefficients)


def read_bank(path: Path) -> TemplateBank:
    """Read a bank.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            angles, basis, coefficients = arrays["angles"], arrays["basis"], arrays["coefficients"]
        groups = tuple(_group(row, angles) for row in head["groups"])
        return TemplateBank(
            head["reduction"], head["track"], head["cell_px"], head["size"], groups, basis, coefficients
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        text = f"{path}: not a readable template file ({reason(error)}); remove it and build again"
        raise ModelError(text) from error


def _group(row: dict[str, Any], angles: NDArray[np.float64]) -> TemplateGroup:
    rows = tuple(row["rows"])
    return TemplateGroup(row["part"], row["flipped"], row["scale"], row["radius"], angles[slice(*rows)], rows)


def stored_banks(folder: Path) -> list[dict[str, Any]]:
    """Return what each stored bank was made from, with its `file`, `templates` and `reduction`, sorted by file."""
    rows = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        bank = read_bank(path)
        with np.load(path, allow_pickle=False) as arrays:
            key = json.loads(arrays["head"].tobytes())["key"]
        rows.append(
            {"file": path.name, "templates": len(bank.coefficients), "reduction": bank.reduction * bank.cell_px, **key}
        )
    return rows
