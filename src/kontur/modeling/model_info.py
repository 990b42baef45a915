"""What a model must say of itself: the parts it knows, what it was trained for, how well it did."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kontur.data_preprocessing.dataset import Manifest
from kontur.errors import ModelError
from kontur.geometry import Part

FORMAT = 1


@dataclass(frozen=True)
class KnownPart:
    """A part of the list a model was trained for."""

    name: str
    sha256: str
    symmetry: int
    chiral: bool


@dataclass(frozen=True)
class ModelInfo:
    """Travels in the checkpoint and in the exported network.

    Attributes:
        parts: the part list, in the order of the class channels.
        network_size: n, s or m.
        mm_per_px: range of scales trained for.
        faces: "up" or "both".
        dataset: fingerprint of the data set.
        training: minutes, steps, precision and configuration.
        metrics: of the best validation.
        calibration: of the scores (the fields of `calibration.Calibration`); empty when they are not calibrated.
        joint_calibration: of the scores when the matcher proposes too; empty likewise.
        versions: of kontur and the libraries that trained it.
    """

    parts: tuple[KnownPart, ...]
    network_size: str
    mm_per_px: tuple[float, float]
    faces: str
    dataset: str
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    joint_calibration: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def nominal_px_per_mm(self) -> float:
        """Geometric mean of the scales trained for."""
        return float((self.mm_per_px[0] * self.mm_per_px[1]) ** -0.5)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types only, for JSON and for weights-only checkpoints."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}


def info_from_dict(values: dict[str, Any], source: str) -> ModelInfo:
    """Rebuild from `ModelInfo.to_dict`.

    Raises:
        ModelError: written by another version, or damaged.
    """
    if values.get("format") != FORMAT:
        raise ModelError(f"{source}: model format {values.get('format')}, this version reads {FORMAT}; train again")
    try:
        rest = {name: value for name, value in values.items() if name != "format"}
        rest["parts"] = tuple(KnownPart(**part) for part in values["parts"])
        rest["mm_per_px"] = tuple(values["mm_per_px"])
        return ModelInfo(**rest)
    except (KeyError, TypeError) as error:
        raise ModelError(f"{source}: damaged model description ({error}); export or train again") from error


def info_of_dataset(manifest: Manifest, network_size: str) -> ModelInfo:
    """Return the description of a model to be trained on a data set; training, metrics and versions are still empty."""
    columns = manifest.part_names, manifest.part_sha256s, manifest.symmetries, manifest.chirals
    parts = tuple(KnownPart(*row) for row in zip(*columns, strict=True))
    low, high = manifest.config["camera"]["mm_per_px"]
    return ModelInfo(parts, network_size, (float(low), float(high)), manifest.config["faces"], manifest.fingerprint)


def known_parts(parts: Sequence[Part]) -> tuple[KnownPart, ...]:
    """Return what a model keeps of its parts."""
    return tuple(KnownPart(part.name, part.sha256, part.symmetry, part.chiral) for part in parts)


def check_parts(info: ModelInfo, parts: Sequence[Part], source: str) -> None:
    """Compare a model's part list with the drawings at hand.

    Raises:
        ModelError: names what was added, removed or changed.
    """
    have = {part.name: part.sha256 for part in parts}
    want = {part.name: part.sha256 for part in info.parts}
    faults = [f"{name}: no such drawing now" for name in want if name not in have]
    faults += [f"{name}: not known to the model" for name in have if name not in want]
    faults += [f"{name}: the drawing has changed" for name in want if have.get(name, want[name]) != want[name]]
    if faults:
        raise ModelError(
            f"{source}: trained for other parts ({'; '.join(faults)}); "
            "run `kontur generate`, `kontur train` and `kontur export` again"
        )
