"""One workspace and one running service for all tests of the service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from served import running

from tiny_workspace import make_workspace


@pytest.fixture(scope="session")
def served_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def client(served_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(served_root, collect=tmp_path_factory.mktemp("collected"), collect_below=1.0) as client:
        yield client
