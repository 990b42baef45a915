"""Variants of photographs in files, and the command that writes them."""

import json

import numpy as np
import pytest
from generator_parts import SIZE_WH, small_config

from kontur.data_preprocessing.augment_files import augment_files
from kontur.data_preprocessing.executors import Crew
from kontur.errors import PictureError
from kontur.pictures import read_picture, write_picture
from kontur.scaffold import create_workspace

THREADS = Crew("threads", 2)


@pytest.fixture
def photographs(tmp_path):
    paths = [tmp_path / "photographs" / name for name in ("bench.png", "night.jpg")]
    x, y = np.meshgrid(np.linspace(20, 230, SIZE_WH[0]), np.linspace(0, 25, SIZE_WH[1]))
    for number, path in enumerate(paths):
        write_picture(path, np.stack([x, x + y, 255 - x], axis=2)[:, :: 1 - 2 * number].astype(np.uint8))
    return paths


def test_variants_show_the_same_thing_and_differ(photographs, tmp_path):
    files = augment_files(photographs, tmp_path / "out", small_config(), 3, crew=THREADS)
    assert [file.name for file in files] == [f"{stem}-{k}.jpg" for stem in ("bench", "night") for k in range(3)]
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)
    for path, some in ((photographs[0], files[:3]), (photographs[1], files[3:])):
        original = read_picture(path).mean(axis=2).ravel()
        variants = [read_picture(file) for file in some]
        assert all(variant.shape == (SIZE_WH[1], SIZE_WH[0], 3) for variant in variants)
        for variant in variants:
            grey = variant.mean(axis=2).ravel()
            assert np.corrcoef(grey, original)[0, 1] > 0.3 or original.std() < 15
        assert not np.array_equal(variants[0], variants[1])


@pytest.mark.parametrize("crew", [Crew("threads", 1), pytest.param(Crew("asyncio", 1), marks=pytest.mark.slow)])
def test_variants_depend_on_picture_seed_and_number_alone(photographs, tmp_path, crew):
    first = augment_files(photographs, tmp_path / "a", small_config(), 2, 5, THREADS)
    again = augment_files(photographs[::-1], tmp_path / "b", small_config(), 3, 5, crew)
    other = augment_files(photographs, tmp_path / "c", small_config(), 2, 6, THREADS)
    bytes_of = {file.name: file.read_bytes() for file in again}
    assert all(bytes_of[file.name] == file.read_bytes() for file in first)
    assert all(bytes_of[file.name] != file.read_bytes() for file in other)


def test_progress_counts_pictures(photographs, tmp_path):
    calls: list[tuple[int, int]] = []
    augment_files(
        photographs, tmp_path / "out", small_config(), 1, crew=THREADS, on_progress=lambda *at: calls.append(at)
    )
    assert calls == [(0, 2), (1, 2), (2, 2)]


def test_pictures_of_one_name_are_said(photographs, tmp_path):
    twin = tmp_path / "others" / "bench.jpg"
    write_picture(twin, read_picture(photographs[0]))
    with pytest.raises(PictureError, match="bench: 2 pictures of this name"):
        augment_files([*photographs, twin], tmp_path / "out", small_config(), 1)


def test_photographs_are_never_written_beside(photographs):
    with pytest.raises(PictureError, match="another folder"):
        augment_files(photographs, photographs[0].parent, small_config(), 1)


def test_a_damaged_photograph_is_said(photographs, tmp_path):
    photographs[1].write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"night\.jpg"):
        augment_files(photographs, tmp_path / "out", small_config(), 1, crew=THREADS)


def test_the_command_writes_and_tells(photographs, tmp_path, run_kontur):
    root = create_workspace(tmp_path / "space").root
    said = run_kontur("augment", photographs[0].parent, "-C", root, "--out", tmp_path / "out", "--count", 2, "--json")
    assert said.code == 0
    document = json.loads(said.out)
    assert document["pictures"] == 2
    assert sorted(document["files"]) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert run_kontur("augment", photographs[0], "-C", root, "--out", tmp_path / "out").out.startswith(
        "4 variants of 1"
    )


def test_no_photographs_are_said(tmp_path, run_kontur):
    root = create_workspace(tmp_path / "space").root
    said = run_kontur("augment", "-C", root)
    assert said.code == 2
    assert "no pictures there" in said.err
