"""The routes, with real workers behind them."""

import json

import cv2
import ezdxf
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pycocotools import mask as coco_mask
from served import bar_picture, png


def send(client, *pictures, **query):
    files = [("pictures", (f"p{k}.png", data)) for k, data in enumerate(pictures)]
    return client.post("/v1/detect", files=files, params=query)


def test_the_bar_is_found_where_it_lies(client):
    picture, centre = bar_picture()
    answer = send(client, png(picture))
    assert answer.status_code == 200, answer.text
    (image,) = answer.json()["images"]
    (found,) = [entry for entry in image["detections"] if entry["part"] == "bar"]
    pose = found["pose_px"]
    assert np.hypot(pose["u"] - centre[0], pose["v"] - centre[1]) < 0.15
    mask = coco_mask.decode(found["mask"])
    material = picture[..., 0] > 115
    assert (mask & material).sum() / (mask | material).sum() > 0.93


def test_several_pictures_are_answered_in_order(client):
    picture, _ = bar_picture()
    empty = np.full((100, 140, 3), 90, np.uint8)
    images = send(client, png(empty), png(picture), png(empty)).json()["images"]
    assert [len(image["detections"]) > 0 for image in images] == [False, True, False]
    assert [image["file"] for image in images] == ["p0.png", "p1.png", "p2.png"]
    assert images[0]["size_wh"] == [140, 100]


def test_coco_numbers_pictures_from_one(client):
    picture, _ = bar_picture()
    rows = send(client, png(np.full((100, 140, 3), 90, np.uint8)), png(picture), format="coco").json()
    assert {row["image_id"] for row in rows} == {2}
    assert np.allclose(rows[0]["bbox"], coco_mask.toBbox(rows[0]["segmentation"]))


def test_overlay_is_a_png_of_the_same_size(client):
    picture, _ = bar_picture()
    answer = send(client, png(picture), format="overlay")
    assert answer.headers["content-type"] == "image/png"
    drawn = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == picture.shape
    assert (drawn != picture).any()
    assert send(client, png(picture), png(picture), format="overlay").status_code == 422


def test_contours_are_the_projected_outline_and_holes(client):
    picture, _ = bar_picture()
    (image,) = send(client, png(picture), contours=True).json()["images"]
    found = next(entry for entry in image["detections"] if entry["part"] == "bar")
    assert len(found["contours_px"]) == 3
    low, high = np.min(found["contours_px"][0], axis=0), np.max(found["contours_px"][0], axis=0)
    assert np.allclose(high - low, (75, 21), atol=2)


def test_match_needs_only_a_drawing(client, tmp_path):
    document = ezdxf.new("R2010", units=4)
    document.modelspace().add_lwpolyline([(0, 0), (50, 0), (50, 14), (0, 14)], close=True)
    for x, radius in ((10, 3), (40, 4)):
        document.modelspace().add_circle((x, 7), radius)
    document.saveas(tmp_path / "plate.dxf")
    picture, _ = bar_picture()
    form = {"mm_per_px_low": "0.62", "mm_per_px_high": "0.72"}
    files = {"drawing": ("plate.dxf", (tmp_path / "plate.dxf").read_bytes()), "picture": ("p.png", png(picture))}
    answer = client.post("/v1/match", files=files, data=form)
    assert answer.status_code == 200, answer.text
    best = answer.json()["images"][0]["detections"][0]
    assert abs(best["pose_px"]["scale_px_per_mm"] - 1.5) < 0.02


@pytest.mark.parametrize(
    "scales", [("0.7", "0.6"), ("0", "1"), ("-1", "1"), ("nan", "1"), ("0.1", "5"), ("inf", "inf")]
)
def test_scales_that_make_no_sense_are_refused(client, scales):
    form = dict(zip(("mm_per_px_low", "mm_per_px_high"), scales, strict=True))
    files = {"drawing": ("a.dxf", b"0\nEOF\n"), "picture": ("p.png", png(bar_picture()[0]))}
    assert client.post("/v1/match", files=files, data=form).status_code == 422


def test_drawing_is_read_with_thumbnails(client, served_root):
    data = next((served_root / "data/raw/dxf_templates").glob("bracket.dxf")).read_bytes()
    answer = client.post("/v1/drawings", files={"drawing": ("../../x.dxf", data)}).json()
    (part,) = answer["parts"]
    assert part["chiral"]
    assert part["svg"].startswith("<svg")
    assert "/" not in answer["file"]


def test_parts_and_model_describe_the_workspace(client):
    drawings = client.get("/v1/parts").json()["drawings"]
    names = [part["name"] for drawing in drawings for part in drawing["parts"]]
    assert sorted(names) == ["bar", "bracket", "ring"]
    assert all("/" not in drawing["file"] for drawing in drawings)
    assert sorted(client.get("/v1/model").json()["parts"]) == sorted(names)


def test_data_pages(client):
    data = client.get("/v1/data").json()
    assert data["pictures"] == 12
    assert [row["split"] for row in data["splits"]] == ["train", "val", "test"]
    sheet = client.get("/v1/data/sheet")
    assert cv2.imdecode(np.frombuffer(sheet.content, np.uint8), cv2.IMREAD_COLOR) is not None
    assert client.get("/v1/training").json() is None


def test_metrics_count_what_was_answered(client):
    def value(name, **labels):
        families = text_string_to_metric_families(client.get("/metrics").text)
        samples = [s for family in families for s in family.samples if s.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())

    before = value("kontur_pictures_total"), value("kontur_http_requests_total", route="/v1/detect", status="200")
    send(client, png(bar_picture()[0]))
    after = value("kontur_pictures_total"), value("kontur_http_requests_total", route="/v1/detect", status="200")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert value("kontur_workers_alive") == 1


def test_monitor_shows_the_last_pictures(client):
    send(client, png(bar_picture()[0]))
    document = client.get("/v1/monitor").json()
    assert document["classes"]["bar"] >= 1
    assert document["latency_s"]["p50"] > 0
    assert client.get("/v1/monitor/rejected/999").status_code == 404


def test_uncertain_pictures_are_collected(client):
    picture = bar_picture()[0].copy()
    picture[0, 0] = 99
    send(client, png(picture))
    kept = client.app.state.service.ring.pictures()
    assert png(picture) in [path.read_bytes() for path in kept]
    document = json.loads(kept[-1].with_suffix(".json").read_text())
    assert document["detections"][0]["score"] < 1


def test_reload_answers_with_the_model(client):
    assert client.post("/v1/model/reload").json()["engine"] == "match"
    assert send(client, png(bar_picture()[0])).status_code == 200


def test_openapi_describes_every_route_with_examples(client):
    document = client.get("/openapi.json").json()
    assert {"/v1/detect", "/v1/match", "/v1/parts", "/v1/model", "/healthz", "/readyz", "/metrics"} <= set(
        document["paths"]
    )
    assert document["components"]["schemas"]["DetectAnswer"]["example"]["images"]


def test_health_and_page_need_no_token(client):
    for path in ("/healthz", "/readyz", "/", "/static/app.js"):
        assert client.get(path, headers={"Authorization": ""}).status_code == 200, path
