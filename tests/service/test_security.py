"""What the gate refuses, and what an answer may carry."""

import io
import zlib

import numpy as np
import pytest
from served import AUTH, bar_picture, png, running


def upload(client, data, name="p.png", **kwargs):
    return client.post("/v1/detect", files=[("pictures", (name, data))], **kwargs)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong-token-0123456789", "Basic YTpi", AUTH["Authorization"] + "x"]
)
def test_wrong_tokens_are_refused(client, header):
    for answer in (
        upload(client, png(bar_picture()[0]), headers={"Authorization": header}),
        client.get("/v1/model", headers={"Authorization": header}),
        client.get("/metrics", headers={"Authorization": header}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def png_bomb(side):
    """A PNG of side x side zeros that is a few kilobytes long, written by hand."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def test_bombs_are_refused_before_they_are_decoded(client):
    answer = upload(client, png_bomb(60_000))
    assert answer.status_code == 413
    assert "60000 x 60000" in answer.json()["detail"]


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"%PDF-1.4", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + b"\0" * 50, b"\x89PNG\r\n\x1a\n",
     b"\xff\xd8\xff\xe0" + b"\0" * 100, b"\0" * 5000],
)  # fmt: skip
def test_what_is_no_picture_is_refused(client, data):
    answer = upload(client, data)
    assert answer.status_code == 415, answer.text
    assert "picture" in answer.json()["detail"]


def test_cut_off_pictures_are_refused_or_answered_but_never_a_fault(client):
    whole = png(bar_picture()[0])
    for length in range(30, len(whole), max(1, len(whole) // 12)):
        assert upload(client, whole[:length]).status_code in (200, 415, 422)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\x\\y.png",
        "a\0b.png",
        "x" * 5000,
        "<script>alert(1)</script>.png",
        "‮gnp.exe",
    ],
)
def test_names_are_labels_only(client, name):
    answer = upload(client, png(np.full((64, 96, 3), 90, np.uint8)), name)
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        label = answer.json()["images"][0]["file"]
        assert "/" not in label
        assert "\\" not in label
        assert label.isprintable()
        assert len(label) <= 120


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"hello",
        b"0\nSECTION\n",
        b"\0\1\2" * 1000,
        b"AutoCAD Binary DXF\r\n\x1a\0",
        b"\x1f\x8bjunk",
        b"9" * 10**5,
    ],
)
def test_hostile_drawings_are_refused(client, data):
    answer = client.post("/v1/drawings", files={"drawing": ("d.dxf", data)})
    assert answer.status_code in (415, 422) or answer.json()["parts"] == []
    assert "/tmp" not in answer.text


def test_large_bodies_are_refused_with_and_without_a_length(client):
    body = io.BytesIO(b"\0" * (33 * 2**20))
    assert upload(client, body).status_code == 413

    def chunks():
        yield b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="p.png"\r\n\r\n'
        for _ in range(34):
            yield b"\0" * 2**20
        yield b"\r\n--b--\r\n"

    answer = client.post("/v1/detect", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413


def test_too_many_pictures_are_refused(client):
    files = [("pictures", (f"{k}.png", png(np.zeros((32, 48, 3), np.uint8)))) for k in range(17)]
    assert client.post("/v1/detect", files=files).status_code == 413


@pytest.mark.parametrize("path", ["/", "/v1/model", "/v1/nothing", "/static/../app.py", "/static/%2e%2e/app.py"])
def test_every_answer_has_the_security_headers(client, path):
    answer = client.get(path)
    assert answer.status_code in (200, 404)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_faults_are_answered_without_a_trace(client, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret /home/user/x.py")

    monkeypatch.setattr("kontur.service.api.data_document", broken)
    answer = client.get("/v1/data")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_each_token_has_its_rate(served_root):
    with running(served_root, requests_per_minute=5) as client:
        codes = [client.get("/v1/model").status_code for _ in range(8)]
        assert codes == [200] * 5 + [429] * 3
        assert int(client.get("/v1/model").headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
