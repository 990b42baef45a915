"""Files that are written whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kontur.errors import WorkspaceError

_HASH_BLOCK_BYTES = 1 << 20


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`, renamed to `path` when the block ends well and removed when it does not.

    The temporary name keeps the suffix, so that writers which choose a format by suffix still work.

    Raises:
        WorkspaceError: the folder cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o644)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(f"{path}: cannot be written ({error.strerror or error}); free space or check rights")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically: as `atomic_path`, with half its calls to the system.

    Raises:
        WorkspaceError: the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{os.urandom(6).hex()}.{path.name}")
    try:
        try:
            temporary.write_bytes(data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, UTF-8, line ends as given."""
    write_bytes(path, text.encode())


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def printable(text: object) -> str:
    """Return text, or a path, with the bytes of a file name that are no characters replaced by a question mark sign."""
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
