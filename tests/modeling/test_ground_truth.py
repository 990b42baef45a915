"""The truth of a generated data set against its own id maps, and what is refused or ignored."""

import json

import numpy as np
import pytest
from modeling_scenes import washer
from pycocotools import mask as coco_mask

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.part_list import open_parts
from kontur.errors import DatasetError
from kontur.modeling.ground_truth import read_coco, read_split, too_little
from kontur.workspace import Workspace


@pytest.fixture(scope="module")
def space(finished_workspace) -> Workspace:
    return Workspace(finished_workspace)


@pytest.fixture(scope="module")
def parts(space):
    return open_parts(space)[1]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_splits_truth_is_that_of_its_samples(space, parts, split):
    """The COCO file against the id maps and poses that the samples hold."""
    truth, dataset = read_split(space, split, parts), open_dataset(space, split)
    assert len(truth.pictures) == len(dataset) > 0
    assert split in truth.source
    for index, picture in enumerate(truth.pictures):
        sample = dataset[index]
        height, width = sample.ids.shape
        assert picture.size_wh == (width, height)
        np.testing.assert_array_equal(truth.load(index), sample.image)
        shown = [k for k in range(1, len(sample.instances) + 1) if (sample.ids == k).any()]
        masks = {coco_mask.decode(item.mask).tobytes(): item for item in picture.instances}
        assert len(masks) == len(picture.instances) == len(shown)
        for number in shown:
            item, instance = masks[(sample.ids == number).astype(np.uint8).tobytes()], sample.instances[number - 1]
            assert parts[item.part].name == dataset.manifest.part_names[instance.part]
            assert (item.pose.u, item.pose.v) == pytest.approx((instance.pose.u, instance.pose.v), abs=1e-3)
            assert item.pose.flipped == instance.pose.flipped
            assert np.cos(item.pose.angle_rad - instance.pose.angle_rad) == pytest.approx(1)
            assert item.visible_fraction == pytest.approx(instance.visible_fraction, abs=1e-3)
            assert item.area_px == (sample.ids == number).sum()
            assert item.ignored == (item.area_px < 60 or instance.visible_fraction < 0.25)


def test_other_drawings_than_the_data_set_was_made_from_are_refused(space, parts):
    for others in (parts[:-1], (*parts, washer("more")), (*parts[:-1], washer(parts[-1].name))):
        with pytest.raises(DatasetError, match="made from other drawings"):
            read_split(space, "val", others)


def test_the_parts_may_come_in_another_order(space, parts):
    here, there = (read_split(space, "val", order) for order in (parts, parts[::-1]))
    for a, b in zip(here.pictures, there.pictures, strict=True):
        assert [parts[i.part].name for i in a.instances] == [parts[::-1][i.part].name for i in b.instances]


def test_a_data_set_that_is_not_there_says_what_to_run(tmp_path, parts):
    with pytest.raises(DatasetError, match="kontur generate"):
        read_split(Workspace(tmp_path), "val", parts)


@pytest.mark.parametrize(
    ("area", "visible", "ignored"),
    [(60, 0.25, False), (59, 1.0, True), (500, 0.249, True), (60, None, False), (59, None, True)],
)
def test_what_is_ignored(area, visible, ignored):
    assert too_little(area, visible) is ignored


def test_an_annotation_of_a_picture_that_is_not_listed_is_refused(space, parts, tmp_path):
    document = json.loads((space.coco / "val.json").read_text())
    document["annotations"][0]["image_id"] = 10**6
    (tmp_path / "val.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="not COCO instances"):
        read_coco(tmp_path / "val.json", tmp_path, parts, "a folder")


def test_iscrowd_is_ignored_however_large(space, parts, tmp_path):
    document = json.loads((space.coco / "val.json").read_text())
    document["annotations"] = [row | {"iscrowd": 1} for row in document["annotations"]]
    (tmp_path / "val.json").write_text(json.dumps(document))
    truth = read_coco(tmp_path / "val.json", tmp_path, parts, "a folder")
    assert all(item.ignored for picture in truth.pictures for item in picture.instances)
