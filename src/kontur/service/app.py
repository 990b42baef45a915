"""The application: routes, page, metrics, and what starts and stops with it."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException

from kontur import __version__
from kontur.errors import KonturError
from kontur.service.api import router
from kontur.service.collecting import PictureRing
from kontur.service.metrics import Metrics
from kontur.service.monitor import Monitor
from kontur.service.observed import Observed
from kontur.service.pool import WorkerPool
from kontur.service.problems import Problem, answer_http_error, answer_invalid
from kontur.service.schemas import State
from kontur.service.security import Gate
from kontur.service.settings import ServiceSettings
from kontur.service.state import Service
from kontur.service.worker import WorkerSpec
from kontur.workspace import Workspace

LOG = logging.getLogger("kontur.service")
STATIC = Path(str(files("kontur.service") / "static"))


@dataclass(frozen=True)
class Exposure:
    """What is decided on the command line.

    Attributes:
        token: that clients must give; None for no token.
        mm_per_px: scale range of the pictures; None for the one trained for or configured.
        collect: folder for uncertain pictures; None to keep none.
    """

    token: str | None = None
    mm_per_px: tuple[float, float] | None = None
    collect: Path | None = None


def create_app(workspace: Workspace, settings: ServiceSettings, exposure: Exposure | None = None) -> FastAPI:
    """Return the application; its workers start with it."""
    exposure = exposure or Exposure()
    service = _make_service(workspace, settings, exposure)
    app = FastAPI(
        title="kontur", version=__version__, lifespan=_lifespan, redoc_url=None, docs_url=None,
        description="Finds flat parts in pictures from their DXF drawings.",
    )  # fmt: skip
    app.state.service = service
    app.include_router(router)
    _add_state_routes(app, service)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(StarletteHTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_middleware(Observed, metrics=service.metrics)
    app.add_middleware(
        Gate, token=exposure.token, most_bytes=int(settings.max_upload_mb * 2**20),
        per_minute=settings.requests_per_minute, overloaded=lambda: service.pool.full,
    )  # fmt: skip
    return app


def _make_service(workspace: Workspace, settings: ServiceSettings, exposure: Exposure) -> Service:
    count = settings.worker_count
    spec = WorkerSpec(
        workspace.root, settings.engine, exposure.mm_per_px, 1, settings.drawing_seconds, settings.max_upload_mb
    )
    pool = WorkerPool(spec, count, settings.queue, settings.batch, settings.deadline_s)
    monitor = Monitor(settings.monitored)
    ring = PictureRing(exposure.collect, int(settings.collect_mb * 2**20)) if exposure.collect else None
    return Service(workspace, settings, pool, monitor, Metrics(pool, monitor), ring)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start the workers, reload on SIGHUP, and let what is in flight finish at the end."""
    service: Service = app.state.service
    await service.start()
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def on_hangup() -> None:
        """Start loading the model anew."""
        task = loop.create_task(_reload_logged(service))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    with suppress(ValueError, RuntimeError):  # signals reach the main thread only; elsewhere there is /v1/model/reload
        loop.add_signal_handler(signal.SIGHUP, on_hangup)
    LOG.info("ready", extra={"workers": service.pool.alive, "parts": len(service.pool.model["parts"])})
    try:
        yield
    finally:
        with suppress(ValueError, RuntimeError):
            loop.remove_signal_handler(signal.SIGHUP)
        await service.pool.stop()


async def _reload_logged(service: Service) -> None:
    try:
        await service.reload()
    except KonturError as error:
        LOG.error("reload failed, the old model stays", extra={"why": str(error)})


def _add_state_routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", response_model=State, tags=["state"])
    async def healthz() -> dict[str, str]:
        """Tell that the process runs."""
        return {"status": "ok"}

    @app.get("/readyz", response_model=State, tags=["state"])
    async def readyz() -> dict[str, str]:
        """Tell whether requests are answered."""
        if service.pool.alive == 0:
            raise Problem(503, "no worker runs; see the log", retry_after_s=5)
        return {"status": "ready"}

    @app.get("/metrics", tags=["state"], response_class=Response)
    async def metrics() -> Response:
        """Return metrics in Prometheus' text format."""
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        """The web page."""
        return FileResponse(STATIC / "index.html")
