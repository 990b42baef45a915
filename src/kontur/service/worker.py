"""A worker process: loads the detector once, then answers jobs from a pipe until told to stop.

A worker never sees a name that a client gave as anything but text, and a job that fails leaves it as it was.
"""

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kontur.drawing import DrawingRules, read_parts
from kontur.drawing.export import svg_of
from kontur.drawing.guard import Reader, guarded_reader
from kontur.drawing.report import inspect_drawing
from kontur.errors import KonturError
from kontur.geometry import Part, PixelPose
from kontur.hardware.lean_imports import quick_start
from kontur.modeling.decide import decide
from kontur.modeling.detections import UNKNOWN, Detections, Detector, from_poses
from kontur.modeling.masks import rings_px
from kontur.modeling.pile import stack_layers
from kontur.modeling.refine import RegistrationOptions, register
from kontur.modeling.results import coco_results, picture_result
from kontur.pictures import Picture, decode_picture
from kontur.service.drift import picture_statistics
from kontur.service.jobs import Answer, DetectJob, DrawingJob, Job, MatchJob
from kontur.visualization.overlay import draw_overlay
from kontur.visualization.style import part_colour

LOG = logging.getLogger("kontur.service")
_NICER = 5
"""Workers give way to the front process, so that requests are taken and answered while all cores detect."""
_UPLOAD_NAME = "drawing.dxf"
_DECIMALS_PX = 2
_SAMPLE_HALF_PX = 240


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker is started with.

    Attributes:
        root: the workspace.
        engine: who proposes.
        mm_per_px: scale range; None for the one trained for or configured.
        threads: for each library in this worker.
        drawing_seconds, drawing_mb: limits for uploaded drawings.
    """

    root: Path
    engine: str
    mm_per_px: tuple[float, float] | None
    threads: int
    drawing_seconds: float
    drawing_mb: float


@dataclass(frozen=True)
class Tools:
    """What a worker has at hand.

    Attributes:
        detector: of the workspace.
        spec: what the worker was started with.
        read: reads uploaded drawings, in a child process with hard limits of time and memory.
    """

    detector: Detector
    spec: WorkerSpec
    read: Reader


def work(connection: Connection, spec: WorkerSpec) -> None:
    """Run a worker: say ("ready", model description) or ("failed", why), then answer lists of jobs with lists of answers."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICER)
    from kontur.modeling.inference import load_detector
    from kontur.workspace import open_workspace

    try:
        with quick_start():
            detector = load_detector(open_workspace(spec.root), spec.mm_per_px, spec.engine, threads=spec.threads)  # type: ignore[arg-type]
            _warm_up(detector)
    except (KonturError, ModuleNotFoundError) as error:
        connection.send(("failed", str(error)))
        return
    connection.send(("ready", model_document(detector, spec.engine)))
    with guarded_reader() as read:
        tools = Tools(detector, spec, read)
        while (jobs := _next(connection)) is not None:
            connection.send([answer(job, tools) for job in jobs])


def _next(connection: Connection) -> list[Job] | None:
    """Return the next jobs; None at the end."""
    try:
        return connection.recv()
    except EOFError:
        return None


def _warm_up(detector: Detector) -> None:
    """Compile and load all that a first request would wait for: detect, and decide on a part that is surely there."""
    part, px_per_mm = detector.parts[0], _px_per_mm(detector)
    half = min(int(part.radius_mm * px_per_mm) + 16, _SAMPLE_HALF_PX)
    pose = PixelPose(float(half), float(half), 0.3, min(px_per_mm, (half - 16) / part.radius_mm), False)
    picture = np.full((2 * half, 2 * half + 32, 3), 60, np.uint8)
    rings = [np.round(pose.apply(contour.points)).astype(np.int32) for contour in part.contours]
    cv2.fillPoly(picture, rings, (200, 200, 200))
    found = detector.detect(picture)
    placed = from_poses((picture.shape[1], picture.shape[0]), [0, 0], [0.9, 0.8], [pose, pose])
    registered = register(picture, placed, detector.parts, RegistrationOptions(contenders_only=True))
    for detections in (found, stack_layers(picture, decide(picture, registered, detector.parts), detector.parts)):
        picture_result("warm-up", detections, detector.parts)


def _px_per_mm(detector: Detector) -> float:
    """Return the scale that the detector expects in the middle."""
    info = getattr(detector, "info", None)
    return info.nominal_px_per_mm if info is not None else float(np.median(detector.scales))  # type: ignore[attr-defined]


def model_document(detector: Detector, engine: str) -> dict[str, Any]:
    """Describe what detects."""
    info, choice = getattr(detector, "info", None), getattr(detector, "choice", None)
    document: dict[str, Any] = {"engine": engine, "parts": [part.name for part in detector.parts]}
    if info is not None:
        document |= {"network": info.network_size, "mm_per_px": list(info.mm_per_px), "faces": info.faces}
        document |= {"metrics": info.metrics, "versions": info.versions}
    if choice is not None:
        document["runtime"] = {"name": choice.runtime, "precision": choice.precision, "threads": choice.threads}
    return document


def answer(job: Job, tools: Tools) -> Answer:
    """Do one job; what the client did wrong becomes a refusal."""
    started = time.perf_counter()
    try:
        if isinstance(job, DrawingJob):
            done = _read_drawing(job, tools)
        else:
            picture = decode_picture(job.data, job.label)
            finder = _matcher_of(job, tools) if isinstance(job, MatchJob) else tools.detector
            done = _detect(job, picture, finder)
    except KonturError as error:
        done = Answer(refusal=str(error).replace(_UPLOAD_NAME, "the drawing"))
    return Answer(done.document, done.refusal, done.coco, done.overlay, done.statistics, time.perf_counter() - started)


def _detect(job: DetectJob, picture: Picture, detector: Detector) -> Answer:
    found = detector.detect(picture)
    document = picture_result(job.label, found, detector.parts)
    if job.contours:
        _add_contours(document, found, detector.parts)
    overlay = None
    if job.overlay:
        overlay = cv2.imencode(".png", draw_overlay(picture, found, detector.parts))[1].tobytes()
    coco = coco_results([document], detector.parts) if job.coco else []
    return Answer(document, coco=coco, overlay=overlay, statistics=picture_statistics(picture))


def _add_contours(document: dict[str, Any], found: Detections, parts: Sequence[Part]) -> None:
    """Give each detection `contours_px`: its outline, then its holes, as projected; and the colour that overlays use."""
    known = np.flatnonzero(found.part != UNKNOWN).tolist()
    for entry, index in zip(document["detections"], known, strict=True):
        rings = rings_px(found, index, parts)
        entry["contours_px"] = [np.round(ring, _DECIMALS_PX).tolist() for ring in rings]
        entry["colour"] = part_colour(int(found.part[index]))


def _rules(spec: WorkerSpec, unit: str | None) -> DrawingRules:
    return DrawingRules(unit=unit, max_seconds=spec.drawing_seconds, max_megabytes=spec.drawing_mb)


def _matcher_of(job: MatchJob, tools: Tools) -> Detector:
    from kontur.modeling.shape_matching import make_matcher

    with tempfile.TemporaryDirectory(prefix="kontur-") as folder:
        path = Path(folder) / _UPLOAD_NAME
        path.write_bytes(job.drawing)
        parts, _ = read_parts([path], _rules(tools.spec, job.unit), tools.read)
    return make_matcher(parts, job.mm_per_px, job.faces)


def _read_drawing(job: DrawingJob, tools: Tools) -> Answer:
    with tempfile.TemporaryDirectory(prefix="kontur-") as folder:
        path = Path(folder) / _UPLOAD_NAME
        path.write_bytes(job.data)
        drawing, document = inspect_drawing(
            path, _rules(tools.spec, job.unit), 1 / _px_per_mm(tools.detector), tools.read
        )
    document["file"] = job.label
    if drawing is None:
        return Answer(refusal=document["error"].replace(str(path), job.label))
    for index, (part, entry) in enumerate(zip(drawing.parts, document["parts"], strict=True)):
        entry["svg"] = svg_of([part], [part_colour(index)], in_place=False)
    return Answer(document)
