"""A sample checks itself."""

import numpy as np
import pytest

from kontur.data_preprocessing.sample import MAX_INSTANCES, Instance, Sample, class_map
from kontur.errors import DatasetError
from kontur.geometry import PixelPose

IMAGE = np.zeros((20, 33, 3), np.uint8)
IDS = np.zeros((20, 33), np.uint8)
INSTANCE = Instance(0, PixelPose(3, 4, 0, 1), 1.0)


def test_a_right_sample():
    sample = Sample(IMAGE, IDS, (INSTANCE,))
    assert sample.instances == (INSTANCE,)


@pytest.mark.parametrize(
    ("image", "ids", "fault"),
    [
        (IMAGE[..., 0], IDS, r"image: expected \(H, W, 3\) uint8, got \(20, 33\) uint8"),
        (IMAGE[..., :2], IDS, r"image: expected \(H, W, 3\) uint8, got \(20, 33, 2\)"),
        (IMAGE.astype(np.float32), IDS, r"image: expected \(H, W, 3\) uint8, got \(20, 33, 3\) float32"),
        (IMAGE, IDS.T, r"ids: expected \(20, 33\) uint8, got \(33, 20\)"),
        (IMAGE, IDS.astype(np.int32), r"ids: expected \(20, 33\) uint8, got \(20, 33\) int32"),
    ],
)
def test_wrong_arrays_are_refused_with_what_was_expected(image, ids, fault):
    with pytest.raises(DatasetError, match=fault):
        Sample(image, ids, ())


def test_more_instances_than_an_id_map_can_name_are_refused():
    Sample(IMAGE, IDS, (INSTANCE,) * MAX_INSTANCES)
    with pytest.raises(DatasetError, match="at most 255 instances fit an 8-bit id map, got 256"):
        Sample(IMAGE, IDS, (INSTANCE,) * (MAX_INSTANCES + 1))


def test_a_class_map_has_the_class_at_every_pixel_of_its_parts():
    ids = np.zeros((20, 33), np.uint8)
    ids[2:5], ids[5:9, 3:], ids[12:] = 1, 2, 3
    found = class_map(Sample(IMAGE, ids, tuple(Instance(part, INSTANCE.pose, 1.0) for part in (4, 0, 4))))
    assert found.dtype == np.uint8
    expected = np.select([ids == 1, ids == 2, ids == 3], [5, 1, 5], 0)
    assert np.array_equal(found, expected)


def test_more_than_255_classes_take_two_bytes():
    ids = np.ones((20, 33), np.uint8)
    found = class_map(Sample(IMAGE, ids, (Instance(299, INSTANCE.pose, 1.0),)))
    assert found.dtype == np.uint16
    assert set(found.ravel()) == {300}


def test_nothing_on_the_table_is_class_nought():
    assert not class_map(Sample(IMAGE, IDS, ())).any()
