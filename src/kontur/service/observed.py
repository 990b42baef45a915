"""Middleware that logs and counts each request; a fault is logged with its trace and answered without one."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontur.service.metrics import Metrics
from kontur.service.problems import problem_response

LOG = logging.getLogger("kontur.service")
_OTHER = "other"
"""Route of requests that no route answers: names that clients make up do not become labels."""


class Observed:
    """Plain ASGI around the routes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            """Send on, and note the status."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            LOG.exception("fault", extra={"path": scope["path"]})
            if status:
                raise
            await problem_response(500, "a fault of the service; its log has the details")(scope, receive, noting)
        self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _OTHER)
        self._metrics.requests.labels(route, status).inc()
        self._metrics.latency.labels(route).observe(seconds)
        LOG.info(
            "request",
            extra={"method": scope["method"], "route": route, "status": status, "seconds": round(seconds, 4)},
        )
