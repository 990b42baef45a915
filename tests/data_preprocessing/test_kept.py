"""Arrays kept for all processes and runs: made once, read as they were, and made anew where there is nothing to read."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from kontur.data_preprocessing import kept
from kontur.data_preprocessing.kept import kept_array

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch, tmp_path):
    """A user whose cache folder is empty."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    kept._tell.cache_clear()
    return tmp_path / "cache"


class Maker:
    """Makes the array and counts how often."""

    def __init__(self):
        self.made = 0

    def __call__(self):
        self.made += 1
        return ARRAY.copy()


def test_an_array_is_made_once_for_a_key():
    make = Maker()
    for _ in range(2):
        np.testing.assert_array_equal(kept_array("a", "key", make), ARRAY)
    assert make.made == 1
    kept_array("a", "other key", make)
    kept_array("b", "key", make)
    assert make.made == 3


def test_what_is_read_is_of_the_kind_that_was_made():
    read = [kept_array("a", "key", Maker()) for _ in range(2)]
    assert [(type(each), each.dtype, each.flags.c_contiguous, each.flags.writeable) for each in read] == 2 * [
        (np.ndarray, np.dtype(np.uint8), True, True)
    ]


def test_what_is_written_to_an_array_stays_with_it():
    kept_array("a", "key", Maker())[:] = 0
    np.testing.assert_array_equal(kept_array("a", "key", Maker()), ARRAY)


@pytest.mark.parametrize("spoilt", [b"", b"no array", "cut"])
def test_a_damaged_file_is_made_anew(cache_folder, spoilt):
    kept_array("a", "key", Maker())
    (path,) = cache_folder.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:-5] if spoilt == "cut" else spoilt)
    make = Maker()
    for _ in range(2):
        np.testing.assert_array_equal(kept_array("a", "key", make), ARRAY)
    assert make.made == 1


def test_without_a_folder_to_write_to_arrays_stay_in_memory_and_that_is_said_once(cache_folder, caplog):
    cache_folder.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        for name in "ab":
            np.testing.assert_array_equal(kept_array(name, "key", Maker()), ARRAY)
    assert [record.getMessage() for record in caplog.records] == [
        f"table patterns are made in memory, each time anew: {cache_folder / 'kontur'} cannot be written to"
    ]


def test_a_user_without_a_home_has_no_folder(monkeypatch, caplog):
    def homeless(_cls):
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(kept.Path, "home", classmethod(homeless))
    np.testing.assert_array_equal(kept_array("a", "key", Maker()), ARRAY)
    assert "no cache folder" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell which pages of a file are in use")
def test_an_array_is_the_file_in_memory():
    """Its pages are those of the file, which other processes map too."""
    kept_array("a", "key", Maker())
    program = (
        "import numpy as np; from kontur.data_preprocessing.kept import kept_array\n"
        "array = kept_array('a', 'key', lambda: np.zeros(0, np.uint8))\n"
        "print([line for line in open('/proc/self/maps') if line.endswith('a.npy\\n')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "a.npy" in ran.stdout
