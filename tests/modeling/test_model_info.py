"""What a model says of itself: it survives files, and tells which drawings it does not fit."""

import json
from dataclasses import replace

import pytest
from modeling_scenes import bracket, triangle, washer

from kontur.errors import ModelError
from kontur.modeling.model_info import FORMAT, KnownPart, ModelInfo, check_parts, info_from_dict, known_parts

PARTS = (bracket(), washer(), triangle())


@pytest.fixture
def info() -> ModelInfo:
    return ModelInfo(
        known_parts(PARTS), "s", (0.5, 0.8), "both", "f" * 64,
        {"steps": 7, "precision": "bf16"}, {"val/loss": 0.25}, {"kontur": "0"},
    )  # fmt: skip


def test_it_survives_json(info):
    assert info_from_dict(json.loads(json.dumps(info.to_dict())), "here") == info


def test_it_is_of_plain_types_only(info):
    plain = (dict, list, str, int, float, bool, type(None))

    def check(value):
        assert type(value) in plain
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(info.to_dict())


def test_parts_are_known_by_name_geometry_symmetry_and_chirality():
    assert known_parts(PARTS) == (
        KnownPart("bracket", PARTS[0].sha256, 1, True),
        KnownPart("washer", PARTS[1].sha256, 0, False),
        KnownPart("triangle", PARTS[2].sha256, 3, False),
    )


def test_the_nominal_scale_is_the_geometric_mean(info):
    assert info.nominal_px_per_mm == pytest.approx(1 / (0.5 * 0.8) ** 0.5)


@pytest.mark.parametrize("damage", [{"format": FORMAT + 1}, {"format": None}])
def test_another_format_is_refused(info, damage):
    with pytest.raises(ModelError, match=r"checkpoint: model format .* train again"):
        info_from_dict(info.to_dict() | damage, "checkpoint")


@pytest.mark.parametrize("lost", ["parts", "mm_per_px", "network_size"])
def test_a_description_with_something_missing_is_refused(info, lost):
    values = info.to_dict()
    del values[lost]
    with pytest.raises(ModelError, match=r"checkpoint: damaged model description"):
        info_from_dict(values, "checkpoint")


def test_the_same_parts_in_another_order_fit(info):
    check_parts(info, PARTS[::-1], "checkpoint")


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        (PARTS[:2], "triangle: no such drawing now"),
        ((*PARTS, bracket("new")), "new: not known to the model"),
        ((triangle("bracket"), *PARTS[1:]), "bracket: the drawing has changed"),
    ],
)
def test_every_difference_is_named(info, parts, fault):
    with pytest.raises(ModelError) as caught:
        check_parts(info, parts, "models/checkpoint.pth")
    assert fault in str(caught.value)
    assert "train" in str(caught.value)
    assert str(caught.value).count(";") == 1, "only what differs is named"


def test_all_differences_are_named_at_once(info):
    with pytest.raises(ModelError) as caught:
        check_parts(replace(info), (triangle("bracket"), washer("ring")), "checkpoint")
    for fault in ("washer: no", "triangle: no", "ring: not known", "bracket: the drawing has changed"):
        assert fault in str(caught.value)
