"""The report is one page that needs nothing else, and says what the evaluation says."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
import shapely
from evaluated import NAMES, evaluation, nothing_found, parts

from kontur.visualization.plot_results import plot_all
from kontur.visualization.report import ReportParts, part_svg, render_report, write_report

VOID = {"meta", "img", "br", "path", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects what a page refers to, its text, and tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> ReportParts:
    tmp_path = tmp_path_factory.mktemp("report")
    picture = np.zeros((60, 130, 3), np.uint8)
    picture[:, :, 2] = 200
    plots = plot_all(evaluation(), tmp_path / "runs", tmp_path / "plots")
    rows = [{"split": "train", "pictures": "40"}, {"split": "val", "pictures": "5"}]
    return ReportParts(parts(), plots, [picture], rows, {"data set": "seed 7 <&>"})


def test_the_page_is_well_formed(content):
    for made in (evaluation(), nothing_found()):
        page = read(render_report(made, content))
        assert page.faults == []
        assert page.open == []
        assert page.text.count("Evaluation") == 1


def test_the_page_needs_nothing_from_outside(content):
    html = render_report(evaluation(), content)
    for tag, name, value in read(html).attributes:
        if name in ("src", "href", "srcset", "data", "action", "poster"):
            assert value.startswith("data:"), (tag, name, value[:60])
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"@import|url\(", "".join(style))
    assert "<script" not in html
    assert "<link" not in html


def test_every_picture_in_it_can_be_decoded(content):
    html = render_report(evaluation(), content)
    urls = [value for tag, name, value in read(html).attributes if (tag, name) == ("img", "src")]
    kinds = [url.split(";")[0] for url in urls]
    assert kinds.count("data:image/svg+xml") == len(content.plots) == 6
    assert kinds.count("data:image/jpeg") == 1
    for url in urls:
        data = base64.b64decode(url.split(",", 1)[1], validate=True)
        if url.startswith("data:image/jpeg"):
            seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            assert seen.shape == (60, 130, 3)
            assert abs(int(seen[30, 60, 2]) - 200) < 8
        else:
            assert b"<svg" in data


def test_every_picture_has_a_text_for_those_who_cannot_see_it(content):
    html = render_report(evaluation(), content)
    assert len(re.findall(r"<img ", html)) == len(re.findall(r'<img [^>]*alt="[^"]+"', html))


def test_it_says_what_the_evaluation_says(content):
    text = read(render_report(evaluation(), content)).text
    for words in (
        "0.828",
        "0.707",
        "123 ms",
        "Of 33 parts that count",
        "network of size s",
        "test split",
        "seed 7 <&>",
    ):
        assert words in text
    assert re.search(r"31 were found and named rightly, 1 named wrongly and 1 missed; 1 of 34 detections", text)
    assert "2 parts of which too little can be seen are left out. The poses" in text
    for name in NAMES:
        assert name in text
    assert "50.0 × 20.0" in text
    assert f"000<3>.png : {NAMES[0]} taken for {NAMES[1]}, bracket missed" in text


def test_names_are_escaped(content):
    html = render_report(evaluation(), content)
    assert "<a>" not in html
    assert "<3>" not in html


def test_nothing_found_is_said_with_dashes():
    text = read(render_report(nothing_found(), ReportParts(parts(), {}))).text
    assert "Of 0 parts that count" in text
    assert "– px" in text
    assert "None" not in text
    assert "nan" not in text.lower().split()
    assert "No part was taken for another." in text
    assert "Worst pictures" not in text


def test_it_knows_dark_rooms_and_paper(content):
    html = render_report(evaluation(), content)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_it_is_written_whole(tmp_path, content):
    path = write_report(tmp_path / "reports" / "report.html", evaluation(), content)
    assert path.read_text(encoding="utf-8") == render_report(evaluation(), content)
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_thumbnails_show_the_material():
    """The path, read back and filled even-odd by shapely, has the part's area; its y runs down."""
    for part in parts():
        svg = part_svg(part)
        rings = [
            np.array([[float(n) for n in pair.split()] for pair in ring.split("L")])
            for ring in re.findall(r"M([^Z]+)Z", svg)
        ]
        material = shapely.Polygon(rings[0], rings[1:])
        assert material.area == pytest.approx(part.polygon.area, rel=2e-3)
        x0, y0, x1, y1 = part.outer.bounds_mm
        assert material.bounds == pytest.approx((x0, -y1, x1, -y0), abs=0.01)
        left, top, width, height = map(float, re.search(r'viewBox="([^"]+)"', svg)[1].split())
        assert left < x0
        assert top < -y1
        assert left + width > x1
        assert top + height > -y0
        assert 'fill-rule="evenodd"' in svg
