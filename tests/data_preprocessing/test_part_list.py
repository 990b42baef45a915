"""The part list of a workspace: which drawings it tells of."""

import logging

import ezdxf
import pytest

from kontur.data_preprocessing.part_list import open_parts
from kontur.workspace import open_workspace

PLATE = [(0, 0), (160, 0), (160, 60), (0, 60)]


@pytest.fixture
def told(tmp_path, caplog):
    """What is said of a workspace with one drawing, when its parts are opened twice."""

    def tell(name, unit, *rings):
        document = ezdxf.new("R2010", units=unit)
        for ring in rings:
            document.modelspace().add_lwpolyline(ring, close=True)
        folder = tmp_path / "data" / "raw" / "dxf_templates"
        folder.mkdir(parents=True)
        document.saveas(folder / name)
        (tmp_path / "configs").mkdir()
        (tmp_path / "configs" / "data_config.yaml").write_text("preset: none\n")
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                open_parts(open_workspace(tmp_path))
        return [record.getMessage() for record in caplog.records]

    return tell


def test_a_plain_drawing_is_not_spoken_of(told):
    assert told("plain.dxf", 4, PLATE) == []


def test_an_ambiguous_drawing_is_told_once_with_its_reason(told):
    (text,) = told("overlap.dxf", 4, PLATE, [(150, 20), (200, 20), (200, 40), (150, 40)])
    assert "overlap.dxf: can be read in two ways (overlapping_contours); see `kontur inspect" in text


def test_a_guessed_unit_is_told(told):
    (text,) = told("metres.dxf", 6, PLATE)
    assert "metres.dxf: unit taken as mm" in text and "declares m" in text
