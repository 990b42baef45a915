import json

import pytest

from kontur.service.collecting import PictureRing, is_uncertain

SURE = {"detections": [{"score": 0.9}], "unknown": []}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (SURE, False),
        ({"detections": [], "unknown": []}, False),
        ({"detections": [{"score": 0.9}, {"score": 0.4}], "unknown": []}, True),
        ({"detections": [{"score": 0.9}], "unknown": [{"score": 0.5}]}, True),
    ],
)
def test_uncertain_is_a_low_score_or_something_unknown(document, expected):
    assert is_uncertain(document, 0.5) is expected


def picture(number, size=1000):
    return b"\x89PNG" + number.to_bytes(4, "big") + b"\0" * size


def test_ring_keeps_the_picture_as_it_came_beside_its_result(tmp_path):
    path = PictureRing(tmp_path / "kept", 10**6).keep(picture(1), SURE)
    assert path.suffix == ".png"
    assert path.read_bytes() == picture(1)
    assert json.loads(path.with_suffix(".json").read_text()) == SURE


def test_same_picture_is_kept_once(tmp_path):
    ring = PictureRing(tmp_path, 10**6)
    assert ring.keep(picture(1), SURE) is not None
    assert ring.keep(picture(1), SURE) is None
    assert len(ring.pictures()) == 1


def test_ring_never_exceeds_its_room_and_drops_the_oldest(tmp_path, monkeypatch):
    ring = PictureRing(tmp_path, 5000)
    stamps = iter(range(100))
    monkeypatch.setattr("kontur.service.collecting.time.strftime", lambda *_: f"2026{next(stamps):04d}T000000")
    for number in range(20):
        ring.keep(picture(number), SURE)
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5000
    kept = [path.read_bytes() for path in ring.pictures()]
    assert kept == [picture(number) for number in range(20 - len(kept), 20)]
    assert len(kept) == 4
