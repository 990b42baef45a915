"""Errors as the client sees them: RFC 9457 problem details, one sentence of what, where and what to do; no traces."""

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Malformed request", 401: "Token needed", 404: "Not found", 405: "Method not allowed", 413: "Too large",
    415: "Not a supported type", 422: "Cannot be used", 429: "Too many requests", 500: "Fault of the service",
    503: "Not available now", 504: "Took too long",
}  # fmt: skip


class Problem(HTTPException):
    """An error that is answered with problem details.

    Args:
        status: HTTP status.
        detail: what is wrong, where, and what to do.
        retry_after_s: when the client may try again.
    """

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail, headers)


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return problem details as a response."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


async def answer_http_error(_: Request, error: Exception) -> JSONResponse:
    """Answer errors that were raised on purpose."""
    if not isinstance(error, StarletteHTTPException):
        raise error
    return problem_response(error.status_code, str(error.detail), dict(error.headers or {}))


async def answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """Answer parameters and bodies of the wrong shape, all faults at once; what the client sent is not echoed."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [f"{'.'.join(str(place) for place in fault['loc'][1:])}: {fault['msg']}" for fault in error.errors()]
    return problem_response(422, "; ".join(faults))


RESPONSES: dict[int | str, dict[str, object]] = {
    status: {
        "description": TITLES[status],
        "content": {
            MEDIA_TYPE: {"example": {"type": "about:blank", "title": TITLES[status], "status": status, "detail": text}}
        },
    }
    for status, text in {
        400: "There was an error parsing the body",
        401: "give the header Authorization: Bearer TOKEN",
        413: "the body has more than 32 MiB; send fewer or smaller pictures",
        415: "part.txt: not a PNG, JPEG, BMP, TIFF or WebP picture",
        422: "part.jpg: cannot be decoded; save it again",
        429: "32 requests are waiting already",
        503: "the worker died; send the request again",
        504: "no answer within 10 s",
    }.items()
}
"""For the OpenAPI description."""
