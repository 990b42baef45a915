"""Requests made from the service's own OpenAPI description: whatever comes, no answer is a 5xx."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from served import AUTH

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("KONTUR_FUZZ_EXAMPLES", "8"))


@pytest.fixture(scope="module")
def described(client):
    return schemathesis.openapi.from_asgi("/openapi.json", client.app)


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_makes_the_service_fail(case):
    if case.path.endswith("/reload"):
        return  # starts processes; tested apart
    answer = case.call(headers={**AUTH, **(case.headers or {})})
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.headers.get("content-type"):
        assert answer.headers["content-type"][0].startswith("application/problem+json")
