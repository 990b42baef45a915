"""Files appear whole or not at all."""

import hashlib
import os
import resource
import stat
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontur.errors import WorkspaceError
from kontur.files import atomic_path, sha256_of, write_bytes, write_text


@contextmanager
def file_size_limit(size_bytes):
    """Let the kernel refuse to write files larger than `size_bytes`, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_the_bytes_and_nothing_else(tmp_path):
    write_bytes(tmp_path / "deep" / "er" / "a.bin", b"\x00\xff")
    assert (tmp_path / "deep" / "er" / "a.bin").read_bytes() == b"\x00\xff"
    assert names(tmp_path / "deep" / "er") == ["a.bin"]


def test_text_keeps_its_line_ends_and_letters(tmp_path):
    write_text(tmp_path / "a.txt", "контур\r\nÅ\n")
    assert (tmp_path / "a.txt").read_bytes() == "контур\r\nÅ\n".encode()


def test_the_temporary_file_has_the_suffix_and_the_folder_of_the_target(tmp_path):
    target = tmp_path / "picture.png"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        assert temporary != target
        assert not target.exists()


def test_others_may_read_the_file(tmp_path):
    write_bytes(tmp_path / "a", b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_keeps_the_old_file_and_leaves_no_rest(tmp_path, error):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_no_space_left_is_one_line_and_loses_nothing(tmp_path):
    target = tmp_path / "big.bin"
    target.write_bytes(b"old")
    with file_size_limit(1000), pytest.raises(WorkspaceError) as caught:
        write_bytes(target, bytes(100_000))
    assert str(caught.value) == f"{target}: cannot be written (File too large); free space or check rights"
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["big.bin"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"file/below/a.txt: cannot be written"):
        write_text(tmp_path / "file" / "below" / "a.txt", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WorkspaceError, match="Permission denied"):
        write_text(tmp_path / "a.txt", "x")


def test_a_reader_never_sees_half_a_file(tmp_path):
    target = tmp_path / "a.bin"
    versions = [bytes([value]) * 300_000 for value in range(8)]
    write_bytes(target, versions[0])
    seen = set()
    done = threading.Event()

    def watch():
        while not done.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=watch)
    reader.start()
    for version in versions:
        write_bytes(target, version)
    done.set()
    reader.join()
    assert seen <= set(versions)


@given(data=st.binary(max_size=200), repeats=st.sampled_from([1, 9000]))
def test_sha256_is_the_hash_of_the_bytes(tmp_path_factory, data, repeats):
    path = tmp_path_factory.mktemp("hash") / "a"
    path.write_bytes(data * repeats)
    assert sha256_of(path) == hashlib.sha256(data * repeats).hexdigest()
