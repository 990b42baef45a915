"""What stands between the network and the service: tokens, rates, sizes, headers; plain ASGI, to decide before reading."""

import hmac
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontur.service.problems import Problem, problem_response

OPEN_PATHS = ("/healthz", "/readyz", "/", "/static/")
"""Answered without a token: liveness, and the page, which asks for the token itself."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


class Gate:
    """Middleware: refuses what lacks the token, comes too often, is too large, or finds the queue full.

    All of that is decided before the body is read; a body without a length is counted as it comes.
    """

    def __init__(
        self, app: ASGIApp, token: str | None, most_bytes: int, per_minute: int, overloaded: Callable[[], bool]
    ) -> None:
        self._app, self._token, self._most_bytes, self._overloaded = app, token, most_bytes, overloaded
        self._rate = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(send)
        if problem := self._refusal(scope):
            response = problem_response(problem.status_code, problem.detail, dict(problem.headers or {}))
            await response(scope, receive, guarded)
            return
        await self._app(scope, self._counted(receive), guarded)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers, path = Headers(scope=scope), scope["path"]
        if path not in OPEN_PATHS and not path.startswith("/static/"):
            if not self._authorised(headers.get("authorization", "")):
                return Problem(401, "give the header Authorization: Bearer TOKEN")
            who = "token" if self._token else (scope.get("client") or ("unknown",))[0]
            if not self._limiter.hit(self._rate, who):
                return Problem(429, f"more than {self._rate.amount} requests in a minute; wait", retry_after_s=10)
        if scope["method"] != "POST":
            return None
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._most_bytes:
            return _too_large(self._most_bytes)
        if self._overloaded():
            return Problem(429, "the queue is full; try again", retry_after_s=1)
        return None

    def _authorised(self, header: str) -> bool:
        if self._token is None:
            return True
        scheme, _, given = header.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    def _counted(self, receive: Receive) -> Receive:
        total = 0

        async def counted() -> Message:
            """Receive, and refuse a body that grows too long."""
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._most_bytes:
                raise _too_large(self._most_bytes)
            return message

        return counted


def _too_large(most_bytes: int) -> Problem:
    return Problem(413, f"the body has more than {most_bytes / 2**20:g} MiB; send fewer or smaller pictures")


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        """Send on, with the security headers."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
