"""One self-contained HTML page about an evaluation: everything inside, nothing fetched."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kontur.files import write_text
from kontur.geometry import Part, Points
from kontur.modeling.evaluation import Evaluation
from kontur.pictures import Picture

FILE_NAME = "report.html"
_JPEG_QUALITY = 82
_MIME = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
_THUMBNAIL_MARGIN = 0.04

CAPTIONS = {
    "part_precision": "Bars: mean over IoU 0.50 to 0.95. Dots: IoU 0.50. In brackets: instances. The poorest part on top.",
    "confusion": "Rows: what was there. Columns: what was said. Matched by masks (IoU 0.5 or more), whatever the name.",
    "precision_recall": "Grey: every part. Red: the poorest. Blue: the mean over parts.",
    "pose_errors": "Correctly named parts, hidden and cut ones included. Angles modulo the part's symmetry.",
    "reliability": "A score of 0.9 should be right nine times in ten.",
    "bands": "Parts of which under a quarter or under 60 px can be seen are left out.",
    "training": "From the log of the newest training.",
}


@dataclass(frozen=True)
class ReportParts:
    """What a report shows besides the evaluation.

    Attributes:
        parts: the part list, for thumbnails.
        plots: name -> file, of those in CAPTIONS; others are left out.
        pictures: one for each of the evaluation's worst cases, (H, W, 3) uint8 BGR.
        dataset: rows of the data set's table, name -> columns.
        facts: name -> text: versions, seeds, commands.
    """

    parts: Sequence[Part]
    plots: Mapping[str, Path]
    pictures: Sequence[Picture] = ()
    dataset: Sequence[Mapping[str, str]] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def write_report(path: Path, evaluation: Evaluation, content: ReportParts) -> Path:
    """Write the page and return its path.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    write_text(path, render_report(evaluation, content))
    return path


def render_report(evaluation: Evaluation, content: ReportParts) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=PackageLoader("kontur.visualization"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "percent": _percent}
    thumbnails = {part.name: Markup(part_svg(part)) for part in content.parts}
    plots = {name: (_file_url(content.plots[name]), text) for name, text in CAPTIONS.items() if name in content.plots}
    cases = [(case, _picture_url(picture)) for case, picture in zip(evaluation.worst, content.pictures, strict=False)]
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        totals=_totals(evaluation),
        parts={part.name: part for part in content.parts},
        thumbnails=thumbnails,
        plots=plots,
        cases=cases,
        dataset=content.dataset,
        facts=content.facts,
    )


def part_svg(part: Part) -> str:
    """Return a part's material as an SVG element in the text's colour, drawing's y up."""
    x0, y0, x1, y1 = part.outer.bounds_mm
    margin = _THUMBNAIL_MARGIN * max(x1 - x0, y1 - y0)
    box = (x0 - margin, -y1 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)
    path = " ".join(_svg_ring(contour.points) for contour in part.contours)
    view = " ".join(f"{value:.3f}" for value in box)
    return f'<svg viewBox="{view}" role="img"><path fill="currentColor" fill-rule="evenodd" d="{path}"/></svg>'


def _svg_ring(points: Points) -> str:
    return "M" + "L".join(f"{x:.2f} {-y:.2f}" for x, y in points) + "Z"


def _totals(evaluation: Evaluation) -> dict[str, int]:
    names = ("found", "confused", "missed", "false", "flipped_wrong")
    return {name: sum(getattr(row, name) for row in evaluation.rows) for name in names}


def _file_url(path: Path) -> str:
    return _data_url(_MIME[path.suffix], path.read_bytes())


def _picture_url(picture: Picture) -> str:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return _data_url(_MIME[".jpg"], np.asarray(data).tobytes())


def _data_url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def _number(value: Any, digits: int = 2) -> str:
    """A number with fixed decimals, a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    """A fraction as per cent, a dash for None."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"
