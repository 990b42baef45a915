"""What the service has seen lately: latencies, classes, scores, the look of the pictures, what it could not name."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kontur.service.drift import STATISTICS, stability_index
from kontur.service.jobs import Answer

_BINS = 20
_REJECTED_KEPT = 12
_RATE_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """One picture that was answered.

    Attributes:
        at: seconds since the epoch.
        seconds: from request to answer.
        parts: names of what was found.
        scores: of these.
        unknown: how many things no part explains.
        statistics: of the picture.
    """

    at: float
    seconds: float
    parts: tuple[str, ...]
    scores: tuple[float, ...]
    unknown: int
    statistics: dict[str, float]


@dataclass(frozen=True)
class Rejected:
    """A picture with something unknown in it, kept in memory for the monitor page."""

    at: float
    label: str
    data: bytes


@dataclass(eq=False)
class Monitor:
    """Bounded histories of the answered pictures.

    Attributes:
        reference: statistics of the pictures trained on; empty when there are none.
        seen: the last pictures.
        rejected: the last pictures with something unknown.
    """

    limit: int
    reference: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    seen: deque[Seen] = field(init=False)
    rejected: deque[Rejected] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = deque(maxlen=self.limit)
        self.rejected = deque(maxlen=_REJECTED_KEPT)

    def record(self, answer: Answer, seconds: float, label: str, data: bytes) -> Seen:
        """Remember an answered picture."""
        document = answer.document or {}
        found, unknown = document.get("detections", []), document.get("unknown", [])
        entry = Seen(
            time.time(), seconds, tuple(row["part"] for row in found), tuple(row["score"] for row in found),
            len(unknown), answer.statistics,
        )  # fmt: skip
        self.seen.append(entry)
        if unknown:
            self.rejected.append(Rejected(entry.at, label, data))
        return entry

    def drift(self) -> dict[str, float | None]:
        """Return the stability index of each statistic against the pictures trained on; None where it cannot be told."""
        rows = [entry.statistics for entry in self.seen if entry.statistics]
        return {
            name: stability_index(self.reference[name], [row[name] for row in rows]) if self.reference else None
            for name in STATISTICS
        }

    def unknown_rate(self) -> float | None:
        """Share of the pictures with something unknown in them."""
        return float(np.mean([entry.unknown > 0 for entry in self.seen])) if self.seen else None

    def document(self) -> dict[str, Any]:
        """Return everything the monitor page shows."""
        seen = list(self.seen)
        latency = [entry.seconds for entry in seen]
        recent = [entry for entry in seen if entry.at > time.time() - _RATE_SECONDS]
        return {
            "pictures": len(seen),
            "per_second": len(recent) / _RATE_SECONDS,
            "latency_s": {f"p{q}": float(np.percentile(latency, q)) if latency else None for q in (50, 95, 99)},
            "latency_history_s": latency[-200:],
            "classes": dict(Counter(part for entry in seen for part in entry.parts).most_common()),
            "scores": _histogram([score for entry in seen for score in entry.scores], 0, 1),
            "brightness": _histogram([entry.statistics.get("brightness", 0.0) for entry in seen], 0, 255),
            "brightness_trained": _histogram(self.reference.get("brightness", []), 0, 255),
            "drift": self.drift(),
            "unknown_rate": self.unknown_rate(),
            "rejected": [{"at": item.at, "label": item.label} for item in self.rejected],
        }


def _histogram(values: Any, low: float, high: float) -> dict[str, list[float]]:
    counts, edges = np.histogram(np.asarray(values, np.float64), _BINS, (low, high))
    return {"counts": counts.tolist(), "edges": edges.tolist()}
