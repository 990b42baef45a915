"""What a running service holds."""

import logging
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from kontur.errors import DatasetError, PictureError, WorkspaceError
from kontur.service.collecting import PictureRing, is_uncertain
from kontur.service.documents import machine_document, parts_document
from kontur.service.drift import reference_statistics
from kontur.service.metrics import Metrics
from kontur.service.monitor import Monitor
from kontur.service.pool import WorkerPool
from kontur.service.settings import ServiceSettings
from kontur.workspace import Workspace

LOG = logging.getLogger("kontur.service")


@dataclass(eq=False)
class Service:
    """Everything that the routes use.

    Attributes:
        workspace: with drawings and models.
        settings: limits.
        pool: the workers.
        monitor, metrics: what was seen.
        ring: where uncertain pictures are kept; None when they are not.
        parts, machine: documents that change with a reload only.
    """

    workspace: Workspace
    settings: ServiceSettings
    pool: WorkerPool
    monitor: Monitor
    metrics: Metrics
    ring: PictureRing | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)

    async def start(self) -> None:
        """Load drawings, the data set's statistics and the model."""
        await self.pool.start()
        await self._read_workspace()

    async def reload(self) -> dict[str, Any]:
        """Load model and drawings anew."""
        model = await self.pool.reload()
        await self._read_workspace()
        LOG.info("model reloaded", extra={"model": model.get("runtime"), "parts": len(model["parts"])})
        return model

    async def collect(self, data: bytes, document: dict[str, Any]) -> None:
        """Keep an uncertain picture; a full or unwritable disk is logged and does not fail the request."""
        if self.ring is None or not is_uncertain(document, self.settings.collect_below):
            return
        try:
            await run_in_threadpool(self.ring.keep, data, document)
        except WorkspaceError as error:
            LOG.error("picture not collected", extra={"why": str(error)})

    async def _read_workspace(self) -> None:
        self.parts = await run_in_threadpool(parts_document, self.workspace)
        self.machine = await run_in_threadpool(machine_document)
        try:
            self.monitor.reference = await run_in_threadpool(reference_statistics, self.workspace)
        except (DatasetError, PictureError) as error:
            LOG.warning("no reference for drift", extra={"why": str(error)})
