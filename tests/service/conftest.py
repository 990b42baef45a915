"""One workspace and one running service for all tests of the service."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient
from served import TOKEN, running

from kontur.service.app import Exposure, create_app
from kontur.service.settings import ServiceSettings
from kontur.workspace import Workspace
from tiny_workspace import make_workspace


@pytest.fixture(scope="session")
def served_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def client(served_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(served_root, collect=tmp_path_factory.mktemp("collected"), collect_below=1.0) as client:
        yield client


@pytest.fixture(scope="session")
def address(served_root: Path) -> Iterator[str]:
    """A service on a port of its own, as `kontur serve` runs it."""
    settings = ServiceSettings(engine="match", workers=1, deadline_s=60)
    app = create_app(Workspace(served_root), settings, Exposure(TOKEN))
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
