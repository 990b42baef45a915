"""How the service runs: configs/service_config.yaml, and the token from the environment or a file."""

import ipaddress
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from kontur.config import Section, load_config
from kontur.errors import ConfigError
from kontur.hardware.threads import thread_count
from kontur.workspace import Workspace

TOKEN_VARIABLE = "KONTUR_TOKEN"
TOKEN_FILE_VARIABLE = "KONTUR_TOKEN_FILE"
LEAST_TOKEN = 16
"""Characters that a token must have at least."""


class ServiceSettings(Section):
    """The section of limits and habits; every key has a default."""

    engine: Literal["network", "match", "both"] = "network"
    """Who proposes parts."""
    workers: int = Field(default=0, ge=0, le=256)
    """Processes that detect; 0 for one per CPU that affinity and cgroup quota allow."""
    queue: int = Field(default=32, ge=1, le=10_000)
    """Requests that may wait; more are refused with 429."""
    batch: int = Field(default=4, ge=1, le=64)
    """Waiting requests that a worker takes at once at most."""
    deadline_s: float = Field(default=10, gt=0, le=3600)
    """Seconds after which a request is answered with 504."""
    max_upload_mb: float = Field(default=32, gt=0, le=4096)
    """Size limit of a request's body, MiB."""
    max_pixels_m: float = Field(default=40, gt=0, le=1000)
    """Limit of a picture's width times height, megapixels; checked before it is decoded."""
    max_pictures: int = Field(default=16, ge=1, le=1000)
    """Pictures in one request at most."""
    drawing_seconds: float = Field(default=5, gt=0, le=600)
    """Time that reading an uploaded drawing may take."""
    requests_per_minute: int = Field(default=6000, ge=1)
    """Limit for each token (without tokens: for each address)."""
    monitored: int = Field(default=500, ge=20, le=100_000)
    """Pictures that the monitor's histories and its drift look back on."""
    collect_mb: float = Field(default=500, gt=0)
    """Room for collected pictures; the oldest go first."""
    collect_below: float = Field(default=0.5, ge=0, le=1)
    """A picture with a detection scored below this, or with something unknown in it, is uncertain."""

    @property
    def worker_count(self) -> int:
        """Processes that detect, by the thread policy."""
        return self.workers or thread_count()


def load_settings(workspace: Workspace) -> ServiceSettings:
    """Read configs/service_config.yaml; the defaults where there is none.

    Raises:
        ConfigError: unknown keys or wrong values.
    """
    path = workspace.service_config
    return load_config(path, ServiceSettings) if path.is_file() else ServiceSettings()


def find_token() -> str | None:
    """Return the bearer token from KONTUR_TOKEN or the file named by KONTUR_TOKEN_FILE; None when neither is set.

    Raises:
        ConfigError: an unreadable file, or a token that is too short.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if token is None and (name := os.environ.get(TOKEN_FILE_VARIABLE)):
        try:
            token = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{TOKEN_FILE_VARIABLE}: {name} cannot be read ({error})") from error
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii()):
        raise ConfigError(f"the token must have {LEAST_TOKEN} ASCII characters or more; try: openssl rand -hex 32")
    return token


def check_exposure(host: str, token: str | None) -> None:
    """Refuse to listen beyond this machine without a token.

    Raises:
        ConfigError: an address that others can reach, and no token.
    """
    if token is None and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} can be reached by others; set {TOKEN_VARIABLE} or {TOKEN_FILE_VARIABLE}, or use 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
