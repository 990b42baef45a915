"""Training crops: a picture that carries its own coordinates tells where every pixel of a crop comes from."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from modeling_scenes import bracket, paint, triangle, washer

from kontur.data_preprocessing.sample import Sample
from kontur.geometry import PixelPose
from kontur.modeling import crops
from kontur.modeling.crops import Crops, CropSettings, Endless, WholePictures, vary_colours
from kontur.modeling.heads import CELL_CENTRE_PX, OFFSET_UNIT_PX, STRIDE
from kontur.modeling.replay import LANES, Replay
from kontur.modeling.targets import NO_PART, PartTraits

PARTS = (bracket(), washer(), triangle())
TRAITS = PartTraits(np.array([part.chiral for part in PARTS]))
SIZE_WH = (236, 172)
PLACED = [
    (0, PixelPose(70.3, 60.8, 0.7, 1.5, True)),
    (1, PixelPose(170.2, 50.4, 0.0, 1.3)),
    (2, PixelPose(120.6, 120.1, 2.0, 1.4)),
    (0, PixelPose(200.0, 150.0, 4.0, 1.2)),
]
PAD = 114


def mapped_scene(size_wh=SIZE_WH) -> Sample:
    """A painted scene whose picture holds (column, row, id) in its channels instead of colours."""
    scene = paint(PARTS, PLACED, size_wh)
    columns, rows = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    return Sample(np.stack([columns, rows, scene.ids], axis=2).astype(np.uint8), scene.ids, scene.instances)


def settings_of(side: int, seed: int = 0) -> CropSettings:
    return CropSettings(side, TRAITS, seed)


@pytest.fixture
def plain(monkeypatch):
    """Crops with their colours as they are."""
    monkeypatch.setattr(crops, "vary_colours", lambda image, _rng: image)


def source_of(crop, side):
    """Columns and rows (S, S) that the pixels come from, ids there, and which pixels lie in the picture."""
    columns, rows, ids = crop["picture"].numpy().astype(int)
    inside = ids != PAD
    assert crop["picture"].shape == (3, side, side)
    return columns, rows, np.where(inside, ids, 0), inside


def turn_of(columns, rows, inside):
    """(2, 2) integer matrix: how the source's column and row change per column and row of the crop."""
    v, u = np.argwhere(inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:])[0]
    return np.array([
        [columns[v, u + 1] - columns[v, u], columns[v + 1, u] - columns[v, u]],
        [rows[v, u + 1] - rows[v, u], rows[v + 1, u] - rows[v, u]],
    ])  # fmt: skip


@pytest.mark.parametrize("side", [96, 192])
@pytest.mark.usefixtures("plain")
def test_targets_agree_with_where_each_pixel_comes_from(side):
    """For every cell: its id, and the way to its part's datum turned as the picture was. 192 px is higher than it is."""
    scene = mapped_scene()
    turns = set()
    for index in range(24):
        crop = Crops([scene], settings_of(side))[index]
        columns, rows, ids, inside = source_of(crop, side)
        np.testing.assert_array_equal(ids[inside], scene.ids[rows[inside], columns[inside]])
        turn = turn_of(columns, rows, inside)
        assert np.linalg.det(turn) == pytest.approx(1), "turned, never mirrored"
        turns.add(tuple(turn.ravel()))
        for row, column in itertools.product(range(side // STRIDE), repeat=2):
            v, u = row * STRIDE + CELL_CENTRE_PX, column * STRIDE + CELL_CENTRE_PX
            number = ids[v, u]
            assert crop["foreground"][row, column] == (number > 0)
            if number == 0:
                assert crop["part"][row, column] == NO_PART
                continue
            part, pose = PLACED[number - 1]
            way = np.linalg.inv(turn) @ (pose.u - columns[v, u], pose.v - rows[v, u])
            np.testing.assert_allclose(crop["offset"][:, row, column].numpy() * OFFSET_UNIT_PX, way, atol=1e-3)
            assert crop["part"][row, column] == part
            assert crop["flipped"][row, column] == pose.flipped
    assert len(turns) == 4, "all quarter turns occur"


@pytest.mark.usefixtures("plain")
def test_what_lies_beyond_the_picture_is_flat_grey_without_parts():
    crop = Crops([mapped_scene()], settings_of(256))[3]
    inside = source_of(crop, 256)[3]
    assert inside.sum() == SIZE_WH[0] * SIZE_WH[1], "the picture is smaller than the crop and lies in it whole"
    assert (crop["picture"].numpy()[:, ~inside] == PAD).all()
    assert (crop["foreground"].numpy()[~inside[CELL_CENTRE_PX::STRIDE, CELL_CENTRE_PX::STRIDE]] == 0).all()


@pytest.mark.usefixtures("plain")
def test_crops_of_a_large_picture_stay_inside_it_and_most_often_hold_a_part():
    """One small part in a picture thirty times as large as a crop: by chance few crops would hold it."""
    placed = [(1, PixelPose(30.0, 200.0, 0.0, 0.8))]
    scene = paint(PARTS, placed, (640, 480))
    found = [Crops([scene], settings_of(96))[index] for index in range(60)]
    assert all((crop["picture"] != PAD).all() for crop in found)
    assert 0.6 < np.mean([bool(crop["foreground"].any()) for crop in found]) < 0.97


def test_crops_depend_on_seed_and_index_alone():
    scenes = [mapped_scene(), paint(PARTS, PLACED[:2], (200, 130)), paint(PARTS, [], (150, 100))]
    first, again = Crops(scenes, settings_of(64)), Crops(scenes, settings_of(64))
    for index in (5, 0, 17):
        for name, value in first[index].items():
            assert torch.equal(value, again[index][name])
    pictures = [first[index]["picture"] for index in range(12)] + [Crops(scenes, settings_of(64, 1))[0]["picture"]]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(pictures, 2))


def test_every_sample_is_used():
    asked = set()

    class Recorder(list):
        def __getitem__(self, index):
            asked.add(index)
            return super().__getitem__(index)

    scenes = Recorder([paint(PARTS, [], (100 + 4 * k, 80)) for k in range(5)])
    for index in range(40):
        Crops(scenes, settings_of(64))[index]
    assert asked == set(range(5))


def test_a_loader_that_starts_later_continues_the_same_list():
    scenes = [mapped_scene()]

    def batches(first, count):
        sampler = Endless(batch_size=3)
        sampler.step = first
        loader = torch.utils.data.DataLoader(Crops(scenes, settings_of(64)), batch_size=3, sampler=sampler)
        return [batch["picture"] for batch in itertools.islice(iter(loader), count)]

    whole, later = batches(0, 4), batches(2, 2)
    assert torch.equal(torch.stack(whole[2:]), torch.stack(later))
    assert torch.equal(whole[1][2], Crops(scenes, settings_of(64))[5]["picture"])


def test_machines_share_the_list_batch_by_batch():
    """What two machines take together, batch for batch, is what one machine with both batches takes."""
    alone = list(itertools.islice(Endless(batch_size=6), 24))
    first, second = (list(itertools.islice(Endless(3, machines=2, rank=rank), 12)) for rank in (0, 1))
    together = [number for k in range(0, 12, 3) for number in (*first[k : k + 3], *second[k : k + 3])]
    assert together == alone == list(range(24))


@pytest.mark.parametrize("per_picture", [1, 2, 4])
def test_a_picture_is_read_once_for_several_crops(per_picture):
    read = []

    class Recorder(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    settings = replace(settings_of(64), replay=Replay(per_picture, 2, 4))
    crops = Crops(Recorder([paint(PARTS, [], (100 + 4 * k, 80)) for k in range(5)]), settings)
    count = 4 * LANES * 4
    in_order = [crops[index]["picture"] for index in range(count)]
    assert len(read) == count // per_picture
    again = [Crops(crops.samples, settings)[index]["picture"] for index in range(count - 1, -1, -7)]
    assert all(torch.equal(a, b) for a, b in zip(in_order[::-7], again, strict=True)), "crop i depends on i alone"


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_loader_processes_hold_the_pictures_of_their_lanes_only(processes):
    crops = Crops([mapped_scene()], replace(settings_of(64), replay=Replay(4, 2, 4)))
    before = crops._pictures.most
    crops.share(processes)
    assert crops._pictures.most == before // {1: 1, 2: 2, 3: 1, 4: 4}[processes]


def test_validation_pictures_are_rendered_once_if_they_fit_into_memory(monkeypatch):
    read = []

    class Recorder(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    scenes = Recorder([paint(PARTS, PLACED, SIZE_WH) for _ in range(3)])
    whole = WholePictures(scenes, settings_of(64), 3)
    first, again = ([whole[index]["picture"] for index in range(3)] for _ in range(2))
    assert read == [0, 1, 2]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    monkeypatch.setattr(crops, "MEMORY_BYTES", 1000)
    small = WholePictures(scenes, settings_of(64), 3)
    assert [small[0]["picture"].shape for _ in range(2)] == [first[0].shape] * 2
    assert read == [0, 1, 2, 0, 0]


def test_samples_are_not_changed():
    scene = paint(PARTS, PLACED, SIZE_WH)
    image, ids = scene.image.copy(), scene.ids.copy()
    for index in range(6):
        Crops([scene], settings_of(96))[index]
    np.testing.assert_array_equal(scene.image, image)
    np.testing.assert_array_equal(scene.ids, ids)


def test_whole_pictures_are_the_first_ones_padded_at_the_right_and_bottom():
    scenes = [paint(PARTS, PLACED, SIZE_WH), paint(PARTS, PLACED[:1], (64, 96)), paint(PARTS, [], (64, 96))]
    whole = WholePictures(scenes, settings_of(64), 2)
    assert len(whole) == 2
    picture = whole[0]["picture"].numpy().transpose(1, 2, 0)
    assert picture.shape == (192, 256, 3)
    np.testing.assert_array_equal(picture[: SIZE_WH[1], : SIZE_WH[0]], scenes[0].image)
    assert (picture[SIZE_WH[1] :] == PAD).all()
    assert (picture[:, SIZE_WH[0] :] == PAD).all()
    assert whole[1]["picture"].shape == (3, 96, 64)
    with pytest.raises(IndexError):
        whole[2]
    assert len(WholePictures(scenes, settings_of(64), 99)) == 3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_colours_vary_but_brighter_stays_brighter(seed):
    """Eight grey steps: tone curves are monotone in every channel; blur and noise are small against a step."""
    levels = np.linspace(20, 235, 8).astype(np.uint8)
    image = np.repeat(np.repeat(levels, 20)[None], 24, axis=0)[..., None].repeat(3, axis=2)
    before = image.copy()
    varied = vary_colours(image, np.random.default_rng(seed))
    assert (varied.shape, varied.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(image, before)
    means = varied.astype(float).reshape(24, 8, 20, 3)[:, :, 5:15].mean(axis=(0, 2))
    assert (np.diff(means, axis=0) > -1.5).all()
    assert means[-1].min() - means[0].max() > 20, "something is left of the contrast"


def test_colours_follow_the_random_stream():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    first, again, other = (vary_colours(image, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    turned = vary_colours(np.rot90(image), np.random.default_rng(4))
    assert turned.shape == (60, 40, 3)


def test_grey_blurred_and_noisy_crops_all_occur():
    """Flat colour in, so: noise shows as spread, dropped colour as equal channels."""
    image = np.full((20, 30, 3), (60, 120, 180), np.uint8)
    varied = [vary_colours(image, np.random.default_rng(seed)).astype(float) for seed in range(200)]
    noisy = np.mean([np.ptp(item[..., 0]) > 0 for item in varied])
    grey = np.mean([np.ptp(item.mean(axis=(0, 1))) < 0.5 for item in varied])
    assert 0.2 < noisy < 0.4
    assert 0.07 < grey < 0.25
