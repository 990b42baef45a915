"""The routes under /v1: pictures and drawings in, JSON out."""

import time
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from kontur.errors import ModelError
from kontur.geometry.units import UnitName
from kontur.service.documents import data_document, data_sheet, training_document
from kontur.service.jobs import Answer, DetectJob, DrawingJob, Job, MatchJob
from kontur.service.pool import OverloadedError, TooLateError, WorkerLostError
from kontur.service.problems import RESPONSES, Problem
from kontur.service.schemas import DetectAnswer, ModelAnswer
from kontur.service.state import Service
from kontur.service.uploads import PictureUpload, read_drawing_upload, read_picture, read_pictures

router = APIRouter(prefix="/v1", responses=RESPONSES)


def service_of(request: Request) -> Service:
    """Return the running service."""
    return request.app.state.service


ServiceNow = Annotated[Service, Depends(service_of)]


class Format(StrEnum):
    """What `/v1/detect` answers with."""

    JSON = "json"
    COCO = "coco"
    OVERLAY = "overlay"


FormatQuery = Annotated[Format, Query(alias="format", description="json, coco, or overlay: a PNG of one picture")]
ContoursQuery = Annotated[bool, Query(description="also return the projected contours, px")]


@router.post("/detect", response_model=DetectAnswer, tags=["detect"])
async def detect(
    service: ServiceNow,
    pictures: Annotated[list[UploadFile], File(description="PNG, JPEG, BMP, TIFF or WebP; one or several")],
    answer_as: FormatQuery = Format.JSON,
    contours: ContoursQuery = False,
) -> Response:
    """Find the workspace's parts in pictures."""
    settings = service.settings
    uploads = await read_pictures(pictures, settings.max_pictures, settings.max_pixels_m * 1e6)
    if answer_as is Format.OVERLAY and len(uploads) > 1:
        raise Problem(422, "format=overlay answers with one picture; send one")
    extras = contours, answer_as is Format.OVERLAY, answer_as is Format.COCO
    jobs = [DetectJob(upload.label, upload.data, *extras) for upload in uploads]
    return _response(
        [await _detected(service, job, upload) for job, upload in zip(jobs, uploads, strict=True)], answer_as
    )


@router.post("/match", response_model=DetectAnswer, tags=["detect"])
async def match(
    service: ServiceNow,
    drawing: Annotated[UploadFile, File(description="a DXF drawing of one or several parts")],
    picture: Annotated[UploadFile, File(description="the picture to search")],
    mm_per_px_low: Annotated[float, Form(gt=0, le=1000, description="least millimetres per pixel", examples=[0.5])],
    mm_per_px_high: Annotated[float, Form(gt=0, le=1000, description="most millimetres per pixel", examples=[0.7])],
    faces: Annotated[Literal["up", "both"], Form(description="whether parts may lie face down")] = "both",
    unit: Annotated[UnitName | None, Form(description="the drawing's unit, where it does not say")] = None,
    answer_as: FormatQuery = Format.JSON,
    contours: ContoursQuery = False,
) -> Response:
    """Find the parts of a drawing in a picture, with no model and no training."""
    if not (
        isfinite(mm_per_px_low) and isfinite(mm_per_px_high) and mm_per_px_low <= mm_per_px_high <= 4 * mm_per_px_low
    ):
        raise Problem(422, "mm_per_px_low to mm_per_px_high: give low <= high <= 4 low")
    upload = await read_picture(picture, service.settings.max_pixels_m * 1e6)
    data = await read_drawing_upload(drawing)
    job = MatchJob(
        upload.label, upload.data, contours, answer_as is Format.OVERLAY, answer_as is Format.COCO, data,
        (mm_per_px_low, mm_per_px_high), faces, unit,
    )  # fmt: skip
    return _response([await _submitted(service, job)], answer_as)


@router.post("/drawings", tags=["drawings"])
async def read_drawing(
    service: ServiceNow,
    drawing: Annotated[UploadFile, File(description="a DXF drawing")],
    unit: Annotated[UnitName | None, Form(description="its unit, where it does not say")] = None,
) -> dict[str, Any]:
    """Read a drawing: its parts with thumbnails (SVG), its unit, and everything that is doubtful."""
    data = await read_drawing_upload(drawing)
    answer = await _submitted(service, DrawingJob("the drawing", data, unit))
    return answer.document or {}


@router.get("/parts", tags=["drawings"])
async def parts(service: ServiceNow) -> dict[str, Any]:
    """Return the workspace's drawings, parts and look-alikes."""
    return service.parts


@router.get("/model", response_model=ModelAnswer, tags=["model"])
async def model(service: ServiceNow) -> dict[str, Any]:
    """Return what detects: engine, runtime, threads, parts, validation."""
    return service.pool.model


@router.post("/model/reload", response_model=ModelAnswer, tags=["model"])
async def reload_model(service: ServiceNow) -> dict[str, Any]:
    """Load the model anew from the workspace; requests go on being answered meanwhile."""
    try:
        return await service.reload()
    except ModelError as error:
        raise Problem(422, f"the new model does not load, the old one stays: {error}") from error


@router.get("/data", tags=["pages"])
async def data(service: ServiceNow) -> dict[str, Any] | None:
    """Return the statistics of the data set; null when there is none."""
    return await run_in_threadpool(data_document, service.workspace)


@router.get("/data/sheet", tags=["pages"], response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def sheet(service: ServiceNow) -> Response:
    """Return a contact sheet of training pictures."""
    jpeg = await run_in_threadpool(data_sheet, service.workspace)
    if jpeg is None:
        raise Problem(404, "no data set; run `kontur generate`")
    return Response(jpeg, media_type="image/jpeg")


@router.get("/training", tags=["pages"])
async def training(service: ServiceNow) -> dict[str, Any] | None:
    """Return the curves of the newest training; null when there is none."""
    return await run_in_threadpool(training_document, service.workspace)


@router.get("/machine", tags=["pages"])
async def machine(service: ServiceNow) -> dict[str, Any]:
    """Return what the machine can do and how it is used."""
    return service.machine | {"workers": service.settings.worker_count, "model": service.pool.model.get("runtime")}


@router.get("/monitor", tags=["pages"])
async def monitor(service: ServiceNow) -> dict[str, Any]:
    """Return latencies, classes, scores and drift of the last pictures."""
    state = {"waiting": service.pool.waiting, "alive": service.pool.alive, "restarts": service.pool.restarts}
    return service.monitor.document() | state


@router.get("/monitor/rejected/{position}", tags=["pages"], response_class=Response)
async def rejected(service: ServiceNow, position: int) -> Response:
    """Return one of the last pictures with something unknown in it."""
    kept = list(service.monitor.rejected)
    if not 0 <= position < len(kept):
        raise Problem(404, f"{position}: no such picture; {len(kept)} are kept")
    return Response(kept[position].data, media_type="application/octet-stream")


async def _submitted(service: Service, job: Job) -> Answer:
    """Have a job done; what goes wrong becomes a problem."""
    try:
        answer = await service.pool.submit(job)
    except OverloadedError:
        raise Problem(429, f"{service.pool.waiting} requests are waiting already", retry_after_s=1) from None
    except TooLateError:
        raise Problem(504, f"no answer within {service.settings.deadline_s:g} s") from None
    except WorkerLostError:
        raise Problem(503, "the worker died; send the request again", retry_after_s=1) from None
    if answer.refusal is not None:
        raise Problem(422, answer.refusal)
    return answer


async def _detected(service: Service, job: DetectJob, upload: PictureUpload) -> Answer:
    started = time.perf_counter()
    answer = await _submitted(service, job)
    seen = service.monitor.record(answer, time.perf_counter() - started, upload.label, upload.data)
    service.metrics.observe(seen, answer.seconds)
    await service.collect(upload.data, answer.document or {})
    return answer


def _response(answers: list[Answer], answer_as: Format) -> Response:
    if answer_as is Format.OVERLAY:
        return Response(answers[0].overlay, media_type="image/png")
    if answer_as is Format.COCO:
        rows = [row | {"image_id": number} for number, answer in enumerate(answers, 1) for row in answer.coco]
        return JSONResponse(rows)
    return JSONResponse({"images": [answer.document for answer in answers]})
