"""Pictures and page of drawings: areas against shapely, what a browser would load, and hostile names."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely

from kontur.drawing import Drawing, Issue
from kontur.drawing.export import geojson_of, svg_of
from kontur.drawing.report import document_of, look_alike_document
from kontur.errors import WorkspaceError
from kontur.geometry import Contour, circle_contour, make_part
from kontur.geometry.likeness import look_alikes
from kontur.visualization.parts_page import write_page, write_pictures

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('x')</script> & \"q\" <b>кольцо</b>.dxf"
ELL = [(100, 0), (140, 0), (140, 12), (113, 12), (113, 28), (100, 28)]


def plate(name, *circles, x=0.0, y=0.0):
    corners = np.array([(0, 0), (60, 0), (60, 40), (0, 40)], float) + (x, y)
    return make_part(name, Contour(corners), tuple(circle_contour(u + x, v + y, r) for u, v, r in circles))


def drawing_of(*parts, file="sheet.dxf", issues=()):
    return Drawing(Path(file), "0" * 64, "mm", 1.0, {}, tuple(parts), tuple(issues))


def sheet(file="sheet.dxf"):
    return drawing_of(
        plate("one", (10, 8, 4), (48, 30, 5), x=-20, y=7),
        make_part("ell", Contour(np.array(ELL, float))),
        make_part("ring", circle_contour(50, 90, 16), (circle_contour(50, 90, 9),)),
        file=file,
        issues=[Issue("gap", "warning", "a gap", 20.0, 60.0), Issue("note", "info", "a note")],
    )


def part_areas(drawing):
    return [part.polygon.area for part in drawing.parts]


def svg_polygon(data, steps=720):
    """The area of a path of straight lines and full circles drawn as two arcs each, with holes by the even-odd rule."""
    area = shapely.Polygon()
    for piece in data.split("M ")[1:]:
        numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", piece)]
        if " a " in piece:
            x, y, radius = numbers[:3]
            angle = np.arange(steps) * 2 * np.pi / steps
            ring = np.column_stack([x + radius + radius * np.cos(angle), y + radius * np.sin(angle)])
        else:
            ring = np.reshape(numbers, (-1, 2))
        area = area.symmetric_difference(shapely.Polygon(ring))
    return area


def svg_paths(text):
    return [path.attrib["d"] for path in ElementTree.fromstring(text).iter(f"{SVG}path")]


def test_the_svg_holds_the_areas_of_the_drawing_where_they_lie():
    drawing = sheet()
    shapes = [svg_polygon(data) for data in svg_paths(svg_of(drawing.parts, ["red"] * 3))]
    assert [shape.area for shape in shapes] == pytest.approx(part_areas(drawing), rel=1e-4)
    for shape, part in zip(shapes, drawing.parts, strict=True):
        assert shape.centroid.coords[0] == pytest.approx(part.origin_mm, abs=1e-3)


def test_the_view_of_the_svg_holds_all_parts_with_y_up():
    drawing = sheet()
    root = ElementTree.fromstring(svg_of(drawing.parts, ["red"] * 3))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    (group,) = root
    assert group.attrib["transform"] == "scale(1,-1)" and group.attrib["fill-rule"] == "evenodd"
    shapes = [svg_polygon(data) for data in svg_paths(svg_of(drawing.parts, ["red"] * 3))]
    x0, y0, x1, y1 = shapely.total_bounds(shapes)
    assert left < x0 and x1 < left + width and top < -y1 and -y0 < top + height
    assert (root.attrib["width"], root.attrib["height"]) == (f"{width:.4f}mm", f"{height:.4f}mm")


def test_a_thumbnail_has_its_datum_at_the_origin():
    (part,) = [part for part in sheet().parts if part.name == "ell"]
    (data,) = svg_paths(svg_of([part], ["red"], in_place=False))
    assert svg_polygon(data).centroid.coords[0] == pytest.approx((0, 0), abs=1e-4)


def test_round_holes_stay_circles_in_the_svg():
    (data, *_) = svg_paths(svg_of([plate("one", (10, 8, 4.125))], ["red"]))
    assert data.count(" a 4.12500 4.12500 ") == 2


def test_the_geojson_holds_the_areas_of_the_drawing():
    drawing = sheet()
    document = json.loads(geojson_of(drawing))
    assert (document["type"], document["unit"]) == ("FeatureCollection", "mm")
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in document["features"]]
    assert [shape.area for shape in shapes] == pytest.approx(part_areas(drawing), rel=1e-6)
    assert all(shape.is_valid for shape in shapes)
    for shape, part in zip(shapes, drawing.parts, strict=True):
        assert shape.centroid.coords[0] == pytest.approx(part.origin_mm, abs=1e-5)
    names = [feature["properties"]["name"] for feature in document["features"]]
    assert names == ["one", "ell", "ring"]


def test_the_rings_of_the_geojson_are_closed_and_run_as_the_standard_says():
    """RFC 7946: the exterior counter-clockwise, holes clockwise, the first point repeated."""
    for feature in json.loads(geojson_of(sheet()))["features"]:
        outer, *holes = (shapely.LinearRing(ring) for ring in feature["geometry"]["coordinates"])
        assert outer.is_ccw and not any(hole.is_ccw for hole in holes)
        assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])


def test_three_files_are_written_under_the_name_of_the_drawing(tmp_path):
    files = write_pictures(tmp_path / "drawn", sheet())
    assert [path.name for path in files] == ["sheet.png", "sheet.svg", "sheet.geojson"]
    assert [svg_polygon(data).area for data in svg_paths(files[1].read_text())] == pytest.approx(
        part_areas(sheet()), rel=1e-4
    )
    assert len(json.loads(files[2].read_text())["features"]) == 3


@pytest.mark.parametrize(
    ("file", "stem"), [("a.dxf", "a"), ("a.DXF", "a"), ("a.dxf.gz", "a"), ("v1.2.dxf", "v1.2"), ("a.b", "a.b")]
)
def test_only_the_suffix_of_a_drawing_is_taken_off(tmp_path, file, stem):
    assert write_pictures(tmp_path, drawing_of(plate("one"), file=file))[1].name == f"{stem}.svg"


def test_the_picture_shows_as_much_colour_as_the_parts_have_area(tmp_path):
    """Pixels of the fill of each part, in the proportion of their areas."""
    parts = (plate("one", (20, 20, 12)), plate("two", x=80))
    picture = cv2.imread(str(write_pictures(tmp_path, drawing_of(*parts))[0])).astype(int)
    counts = [(np.abs(picture - colour).max(axis=2) <= 2).sum() for colour in ((0x00, 0xB0, 0xFF), (0xF5, 0xC0, 0x5C))]
    expected = parts[0].polygon.area / parts[1].polygon.area
    assert counts[0] / counts[1] == pytest.approx(expected, rel=0.03)
    assert counts[1] > 20_000


def test_a_grave_issue_is_marked_and_a_note_is_not(tmp_path):
    def red(severity):
        drawing = drawing_of(plate("one"), issues=[Issue("x", severity, "here", 30.0, 20.0)])
        picture = cv2.imread(str(write_pictures(tmp_path, drawing)[0])).astype(int)
        return int((np.abs(picture - (0, 0, 0xD0)).max(axis=2) <= 8).sum())

    assert red("error") > 10
    assert red("info") == 0


def test_a_drawing_without_parts_is_drawn(tmp_path):
    files = write_pictures(tmp_path, drawing_of())
    assert all(path.stat().st_size > 0 for path in files)
    assert json.loads(files[2].read_text())["features"] == []


class Page(HTMLParser):
    """What a browser makes of a page: the tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def count(self, name):
        return sum(tag == name for tag, _ in self.tags)


def page_of(path, *drawings, pairs=()):
    write_page(path, drawings, [document_of(drawing, 0.5) for drawing in drawings], pairs)
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_has_one_thumbnail_for_every_part(tmp_path):
    page = page_of(tmp_path / "a.html", sheet(), drawing_of(plate("other"), file="b.dxf"))
    assert page.count("svg") == 4
    assert page.count("h2") == 2
    assert [name for name in ("one", "ell", "ring", "other") if name not in page.text] == []


def test_the_page_is_self_contained(tmp_path):
    page = page_of(tmp_path / "a.html", sheet())
    loading = {"src", "href", "data", "action", "srcset", "poster", "xlink:href"}
    assert [(tag, attributes) for tag, attributes in page.tags if loading & set(attributes)] == []
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "img", "object"}
    style = (tmp_path / "a.html").read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_the_page_tells_the_measures(tmp_path):
    page = page_of(tmp_path / "a.html", sheet())
    area = np.pi * (16**2 - 9**2)
    assert f"area {area:.1f} mm²" in page.text
    assert "symmetry round" in page.text and "mirror image another part" in page.text
    assert "warning: a gap at (20.00, 60.00)" in page.text
    assert "info: a note" in page.text


def test_hostile_names_are_text_and_nothing_else(tmp_path):
    name = HOSTILE.removesuffix(".dxf")
    drawing = drawing_of(plate(name, (10, 8, 4)), file=HOSTILE, issues=[Issue("x", "error", f"in {HOSTILE}")])
    other = drawing_of(plate(name + "2", (10, 8, 4.5)), file=HOSTILE)
    parts = [drawing.parts[0], other.parts[0]]
    pairs = [(parts[0], pair, look_alike_document(parts, pair, 0.5)) for pair in look_alikes(parts)]
    page = page_of(tmp_path / "a.html", drawing, other, pairs=pairs)
    assert page.count("script") == page.count("b") == 0
    assert page.text.count(HOSTILE) >= 3
    assert f"{name} / {name}2" in page.text


def test_hostile_names_leave_the_svg_well_formed():
    root = ElementTree.fromstring(svg_of([plate(HOSTILE)], ["red"]))
    assert [title.text for title in root.iter(f"{SVG}title")] == [HOSTILE]
    assert list(root.iter(f"{SVG}script")) == []


def test_an_unreadable_file_is_told_between_the_others(tmp_path):
    fault = {"file": "bad.dxf", "readable": False, "error": "bad.dxf: <not> a drawing", "parts": []}
    write_page(tmp_path / "a.html", [sheet(), None], [document_of(sheet(), 0.5), fault])
    page = Page((tmp_path / "a.html").read_text())
    assert "bad.dxf: <not> a drawing" in page.text
    assert page.count("svg") == 3


def test_look_alikes_show_their_difference_over_the_first_part(tmp_path):
    a, b = plate("one", (10, 8, 4)), plate("two", (10, 8, 4), (48, 30, 3))
    pairs = [(a, pair, look_alike_document([a, b], pair, 0.5)) for pair in look_alikes([a, b]) if not pair.mirrored]
    page = page_of(tmp_path / "a.html", drawing_of(a), drawing_of(b), pairs=pairs)
    assert "one / two" in page.text and "113 px" in page.text and "both the same side up" in page.text
    data = [attributes["d"] for tag, attributes in page.tags if tag == "path"][-1]
    assert svg_polygon(data).area == pytest.approx(9 * np.pi, rel=0.05)


def test_a_page_that_cannot_be_written_is_an_error_of_kontur(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="file"):
        page_of(tmp_path / "file" / "a.html", sheet())
