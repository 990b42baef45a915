"""Requests made from the service's own OpenAPI description: whatever comes, no answer is a 5xx."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from served import AUTH

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("KONTUR_FUZZ_EXAMPLES", "8"))
LEFT_OUT = ("/v1/model/reload",)
"""Starts processes at every call; tested apart."""


def test_no_request_makes_the_service_fail(address):
    description = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=AUTH)
    codes = {}
    for found in description.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case):
            answer = case.call(headers={**AUTH, **(case.headers or {})})
            codes.setdefault(case.operation.label, set()).add(answer.status_code)
            assert answer.status_code < 500, (case.operation.label, answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]

        check()
    assert {"POST /v1/detect", "POST /v1/match", "POST /v1/drawings"} <= codes.keys()
    assert codes["GET /v1/model"] >= {200}
