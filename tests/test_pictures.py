"""Pictures in and out of files."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from kontur.errors import PictureError, WorkspaceError
from kontur.pictures import SUFFIXES, find_pictures, read_picture, write_picture

LOSSLESS = (".png", ".bmp", ".tif", ".tiff")


@pytest.fixture
def picture():
    """A picture of 20 rows and 33 columns with a red corner at its top left."""
    picture = np.random.default_rng(1).integers(0, 256, (20, 33, 3), dtype=np.uint8)
    picture[:4, :6] = (0, 0, 255)
    return picture


def encoded(suffix, picture):
    return cv2.imencode(suffix, picture)[1].tobytes()


def png_header(width, height):
    """A PNG whose header promises `width` x `height` pixels that are not there."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_what_is_written_is_read_back(tmp_path, picture, suffix):
    write_picture(tmp_path / f"a{suffix}", picture)
    assert np.array_equal(read_picture(tmp_path / f"a{suffix}"), picture)


def test_channels_are_blue_green_red(tmp_path, picture):
    write_picture(tmp_path / "a.png", picture)
    assert Image.open(tmp_path / "a.png").getpixel((0, 0)) == (255, 0, 0)


def test_parameters_reach_the_encoder(tmp_path, picture):
    for quality in (20, 95):
        write_picture(tmp_path / f"{quality}.jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


@pytest.mark.parametrize("name", ["a.PNG", "a.Jpg"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path, picture, name):
    write_picture(tmp_path / name, picture)
    assert read_picture(tmp_path / name).shape == (20, 33, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16"])
def test_every_kind_of_pixel_becomes_8_bit_bgr(tmp_path, mode):
    image = Image.new(mode, (33, 20)) if mode == "I;16" else Image.new("L", (33, 20), 200).convert(mode)
    image.save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert picture.dtype == np.uint8
    assert picture.shape == (20, 33, 3)


def test_the_orientation_tag_is_ignored(tmp_path, picture):
    """Poses are in the sensor's frame; a viewer's turn would move them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").shape == (20, 33, 3)


def test_letters_beyond_ascii_in_a_path(tmp_path, picture):
    write_picture(tmp_path / "деталь №1.png", picture)
    assert np.array_equal(read_picture(tmp_path / "деталь №1.png"), picture)


def test_a_missing_picture(tmp_path):
    with pytest.raises(PictureError) as caught:
        read_picture(tmp_path / "none.png")
    assert str(caught.value) == f"{tmp_path}/none.png: cannot be read (No such file or directory); check the path"


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(PictureError, match="Is a directory"):
        read_picture(tmp_path)


def test_an_empty_picture(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(PictureError, match=r"a.png: the file is empty; save the picture again"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"no picture at all", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_garbage_is_no_picture(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PictureError, match="not a picture that can be decoded"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fraction", [0.2, 0.6, 0.95])
def test_half_a_picture_is_never_taken_for_a_whole_one(tmp_path, picture, suffix, fraction):
    data = encoded(suffix, picture)
    (tmp_path / f"a{suffix}").write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(PictureError):
        read_picture(tmp_path / f"a{suffix}")


def test_a_decompression_bomb_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(60_000, 60_000))
    with pytest.raises(PictureError, match="too large"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt"])
def test_an_unknown_suffix_is_refused_and_nothing_written(tmp_path, picture, name):
    with pytest.raises(PictureError, match="no encoder for"):
        write_picture(tmp_path / name, picture)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path, picture):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError):
        write_picture(tmp_path / "file" / "a.png", picture)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", "c.tiff", "notes.txt", "sub/d.bmp", "[1].png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def found(folder, *sources):
    return [str(path.relative_to(folder)) for path in find_pictures(sources)]


def test_a_folder_gives_its_own_pictures_in_order(folder):
    assert found(folder, folder) == ["[1].png", "a.JPG", "b.png", "c.tiff"]


def test_a_glob_gives_what_it_matches(folder):
    assert found(folder, f"{folder}/*.png") == ["[1].png", "b.png"]
    assert found(folder, f"{folder}/**/*.bmp") == ["sub/d.bmp"]


def test_a_file_is_taken_by_its_name_even_if_it_looks_like_a_glob(folder):
    assert found(folder, folder / "[1].png") == ["[1].png"]


def test_sources_keep_their_order_and_a_picture_comes_once(folder):
    assert found(folder, folder / "c.tiff", folder / "b.png", f"{folder}/*.png") == ["c.tiff", "b.png", "[1].png"]


def test_a_relative_glob_starts_from_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert [str(path) for path in find_pictures(["sub/*"])] == ["sub/d.bmp"]


@pytest.mark.parametrize("source", ["none.png", "none", "*.webp", "notes*", "empty"])
def test_a_source_without_pictures_is_told_before_any_work(folder, source):
    (folder / "empty").mkdir()
    with pytest.raises(PictureError, match=r"no pictures there; give a picture, a folder or a glob"):
        find_pictures([folder / "b.png", str(folder / source)])
