"""Statistics of a data set against counting its samples one by one."""

import cv2
import numpy as np
import pytest

from kontur.data_preprocessing.dataset import open_dataset
from kontur.data_preprocessing.statistics import split_statistics, summary_row
from kontur.workspace import Workspace


@pytest.fixture
def dataset(finished_workspace):
    return open_dataset(Workspace(finished_workspace), "train")


def test_statistics_agree_with_the_samples(dataset):
    found = split_statistics(dataset, pictures_read=3)
    samples = [dataset[position] for position in range(len(dataset))]
    items = [item for sample in samples for item in sample.instances]
    assert found.split == "train"
    assert found.per_picture.tolist() == [len(sample.instances) for sample in samples]
    assert found.part.tolist() == [item.part for item in items]
    areas = [(sample.ids == key).sum() for sample in samples for key in range(1, len(sample.instances) + 1)]
    np.testing.assert_allclose(found.size_px**2, areas)
    np.testing.assert_allclose(found.visible_fraction, [item.visible_fraction for item in items])
    np.testing.assert_allclose(found.uv, [[item.pose.u, item.pose.v] for item in items])
    np.testing.assert_allclose(found.mm_per_px, [1 / item.pose.scale_px_per_mm for item in items])
    assert found.flipped.tolist() == [item.pose.flipped for item in items]
    assert ((found.angle_deg >= 0) & (found.angle_deg < 360)).all()
    turns = np.degrees([item.pose.angle_rad for item in items])
    np.testing.assert_allclose((found.angle_deg - turns + 180) % 360, 180, atol=1e-6)
    names = dataset.manifest.part_names
    assert found.class_counts == {name: sum(i.part == k for i in items) for k, name in enumerate(names)}
    greys = [cv2.cvtColor(samples[k].image, cv2.COLOR_BGR2GRAY) for k in (0, (len(samples) - 1) // 2, len(samples) - 1)]
    assert found.brightness[[0, -1]] == pytest.approx([greys[0].mean(), greys[-1].mean()])
    assert len(found.brightness) == len(found.contrast) == 3
    row = summary_row(found)
    assert row["pictures"] == str(len(samples))
    assert row["parts"] == str(len(items))
    assert float(row["size, px"].split()[0]) == pytest.approx(np.median(np.sqrt(areas)), abs=0.5)


def test_of_many_samples_some_are_read(dataset):
    found = split_statistics(dataset, pictures_read=1, samples_read=3)
    assert found.pictures == len(dataset) > 3
    chosen = [dataset[position] for position in (0, round((len(dataset) - 1) / 2), len(dataset) - 1)]
    assert found.per_picture.tolist() == [len(sample.instances) for sample in chosen]
    assert summary_row(found)["pictures"] == str(len(dataset))
