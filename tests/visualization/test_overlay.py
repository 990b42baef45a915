"""Overlays: what is drawn lies where shapely says, labels stay inside and apart, colours stay apart."""

import itertools
import math

import cv2
import numpy as np
import pytest
import shapely
from evaluated import parts
from hypothesis import given, settings
from hypothesis import strategies as st

from kontur.geometry import PixelPose
from kontur.modeling.detections import UNKNOWN, Detections, from_poses, unregistered
from kontur.visualization.labels import Label, draw_labels, place_labels, text_height_px, text_size_px
from kontur.visualization.overlay import Outline, draw_contours, draw_datums, draw_outlines, draw_overlay
from kontur.visualization.style import PALETTE, bgr, mix, part_colour

SIZE_WH = (300, 180)
PARTS = parts()
PLATE, RING, BRACKET = range(3)


def grey(level: int = 120) -> np.ndarray:
    return np.full((SIZE_WH[1], SIZE_WH[0], 3), level, np.uint8)


def at(u, v, angle_deg=0.0, scale=1.7, flipped=False):
    return PixelPose(u, v, math.radians(angle_deg), scale, flipped)


def found(*rows) -> Detections:
    return from_poses(SIZE_WH, [part for part, _ in rows], [0.9] * len(rows), [where for _, where in rows])


def coloured(picture: np.ndarray) -> np.ndarray:
    """(H, W) pixels that are no longer grey."""
    channels = picture.astype(int)
    return channels.max(axis=2) - channels.min(axis=2) > 40


def boundary_by_hand(part, where) -> shapely.Geometry:
    """The part's boundary in px: mirrored, turned counter-clockwise, scaled, and v down, written out."""
    c, s = math.cos(where.angle_rad), math.sin(where.angle_rad)
    rings = []
    for contour in part.contours:
        x, y = contour.points.T
        x = -x if where.flipped else x
        u = where.u + where.scale_px_per_mm * (c * x - s * y)
        v = where.v - where.scale_px_per_mm * (s * x + c * y)
        rings.append(shapely.LinearRing(np.column_stack([u, v])))
    return shapely.MultiLineString(rings)


@pytest.mark.parametrize("part", [PLATE, RING, BRACKET])
@pytest.mark.parametrize("flipped", [False, True])
def test_contours_lie_where_shapely_says(part, flipped):
    where = at(140.3, 92.7, 35, 1.9, flipped)
    drawn = coloured(draw_contours(grey(), found((part, where)), PARTS))
    boundary = boundary_by_hand(PARTS[part], where)
    v, u = np.nonzero(drawn)
    assert shapely.distance(boundary, shapely.points(u, v)).max() < 1.6
    along = shapely.get_coordinates(boundary.segmentize(1.0))
    nearest = cv2.distanceTransform((~drawn).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert nearest[along[:, 1].round().astype(int), along[:, 0].round().astype(int)].max() <= 1.5


def test_a_tilted_detection_is_drawn_by_its_homography():
    matrix = np.array([[[1.8, 0.3, 140.0], [-0.2, -1.7, 90.0], [0.0015, -0.002, 1.0]]])
    tilted = unregistered(SIZE_WH, np.array([BRACKET]), np.array([0.5]), matrix, np.array([False]))
    drawn = coloured(draw_contours(grey(), tilted, PARTS))
    x, y = PARTS[BRACKET].outer.points.T
    w = 0.0015 * x - 0.002 * y + 1
    expected = np.column_stack([(1.8 * x + 0.3 * y + 140) / w, (-0.2 * x - 1.7 * y + 90) / w])
    for u, v in expected.round().astype(int):
        assert drawn[v - 1 : v + 2, u - 1 : u + 2].any()


def test_lines_are_antialiased():
    drawn = draw_contours(grey(), found((PLATE, at(140, 90, 17))), PARTS)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50


def test_the_tick_shows_the_x_axis_and_the_face():
    """Right of the datum where the part is not turned, up at 90 degrees, left where it lies face down."""
    reach = 10
    for where, (du, dv) in (
        (at(150, 90), (1, 0)),
        (at(150, 90, 90), (0, -1)),
        (at(150, 90, 0, flipped=True), (-1, 0)),
        (at(150, 90, 90, flipped=True), (0, 1)),
    ):
        drawn = coloured(draw_datums(grey(), found((BRACKET, where)), PARTS))
        assert drawn[90 + reach * dv, 150 + reach * du]
        assert not drawn[90 - reach * dv, 150 - reach * du]


def test_a_ring_has_a_cross_but_no_axis():
    drawn = coloured(draw_datums(grey(), found((RING, at(150, 90))), PARTS))
    v, u = np.nonzero(drawn)
    assert np.hypot(u - 150, v - 90).max() < 8
    assert drawn[90, 150]


def test_the_picture_is_left_alone_and_keeps_its_kind():
    picture = grey()
    drawn = draw_overlay(picture, found((PLATE, at(100, 90)), (RING, at(230, 60))), PARTS)
    assert (picture == 120).all()
    assert drawn.shape == picture.shape
    assert drawn.dtype == np.uint8
    assert (draw_overlay(picture, found(), PARTS) == picture).all()


def test_labels_say_name_score_and_face(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "kontur.visualization.overlay.draw_labels", lambda canvas, labels: seen.append(labels) or canvas
    )
    rows = found((BRACKET, at(100, 90, flipped=True)), (RING, at(230, 60, flipped=True)))  # a ring shows no face
    draw_overlay(grey(), rows, PARTS)
    draw_overlay(grey(), rows, PARTS, scores=False)
    assert [[label.text for label in labels] for labels in seen] == [
        ["bracket 0.90 flipped", "кольцо 0.90"],
        ["bracket flipped", "кольцо"],
    ]


def test_what_no_part_explains_is_a_grey_quadrilateral():
    matrix = np.array([[[20.0, 0, 120], [0, -15.0, 80], [0, 0, 1]]])
    strange = unregistered(SIZE_WH, np.array([UNKNOWN]), np.array([0.5]), matrix, np.array([False]))
    drawn = draw_contours(grey(60), strange, PARTS)
    for u, v in itertools.product((100, 140), (65, 95)):
        assert (drawn[v, u] > 150).all()
    assert not coloured(drawn).any()
    assert draw_overlay(grey(60), strange, PARTS).shape == grey().shape


def test_a_part_outside_the_picture_is_labelled_inside():
    drawn = draw_overlay(grey(), found((PLATE, at(-60, 90)), (RING, at(400, 400))), PARTS)
    assert drawn.shape == grey().shape
    assert (drawn != 120).any()


def test_large_pictures_get_thicker_lines():
    large = np.full((1500, 2600, 3), 120, np.uint8)
    here = from_poses((2600, 1500), [PLATE], [0.9], [at(1300, 750, 0, 10)])
    drawn = coloured(draw_contours(large, here, PARTS))
    edge = 750 - 10 * 10  # the plate is 20 mm high
    assert drawn[edge - 6 : edge + 7, 1300].sum() >= 3


# --- outlines of masks -----------------------------------------------------------------------------------------------


def test_outlines_run_along_the_border_of_masks_and_holes():
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    mask[40:120, 60:200] = True
    mask[70:90, 100:150] = False
    drawn = coloured(draw_outlines(grey(), [Outline(mask, "#FF6A1A")]))
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    border = mask & ~inner
    assert (drawn & border).sum() > 0.95 * border.sum()
    near = cv2.dilate(border.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert not (drawn & ~near).any()


def test_bold_outlines_are_wider():
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    mask[40:120, 60:200] = True
    thin, bold = (coloured(draw_outlines(grey(), [Outline(mask, "#FF6A1A", "", b)])).sum() for b in (False, True))
    assert bold > 1.5 * thin


def test_an_empty_mask_draws_nothing():
    nothing = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    assert (draw_outlines(grey(), [Outline(nothing, "#FF6A1A", "gone")]) == grey()).all()


# --- labels ----------------------------------------------------------------------------------------------------------


def square(u, v, half) -> np.ndarray:
    return np.array([[u - half, v - half], [u + half, v - half], [u + half, v + half], [u - half, v + half]], float)


def label(text, u, v, half=20.0) -> Label:
    return Label(text, "#E69F00", np.array([u, v], float), [square(u, v, half)])


def overlap(a, b) -> int:
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, width) * max(0, height)


@given(
    st.lists(
        st.tuples(
            st.floats(-50, 350), st.floats(-50, 230), st.floats(1, 80), st.text("abcпл 0.9", min_size=1, max_size=16)
        ),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_labels_always_lie_inside_the_picture(rows):
    labels = [label(text, u, v, half) for u, v, half, text in rows]
    for box in place_labels(SIZE_WH, labels):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= SIZE_WH[0]
        assert box.y + box.height <= SIZE_WH[1]


def test_labels_keep_off_the_parts_and_off_each_other_where_there_is_room():
    labels = [label("plate 0.97", u, v) for u in (60, 150, 240) for v in (50, 130)]
    boxes = place_labels(SIZE_WH, labels)
    for a, b in itertools.combinations(boxes, 2):
        assert overlap(a, b) == 0
    for box, other in itertools.product(boxes, labels):
        area = shapely.box(box.x, box.y, box.x + box.width, box.y + box.height)
        assert area.intersection(shapely.Polygon(other.rings[0])).area < 0.2 * area.area


def test_a_label_lies_by_its_own_part():
    labels = [label("one", 60, 90), label("two", 240, 90)]
    one, two = place_labels(SIZE_WH, labels)
    assert abs(one.x + one.width / 2 - 60) < 60
    assert abs(two.x + two.width / 2 - 240) < 60
    assert max(one.distance_px, two.distance_px) < 2 * text_height_px(SIZE_WH)


def test_labels_of_doubled_detections_do_not_cover_each_other():
    boxes = place_labels(SIZE_WH, [label("first 0.90", 150, 90), label("second 0.50", 150, 90)])
    assert overlap(*boxes) == 0


def test_a_crowded_picture_still_gets_every_label():
    labels = [label(f"part {k} 0.99", 150, 90, 200) for k in range(30)]
    assert len(place_labels(SIZE_WH, labels)) == 30
    assert draw_labels(grey(), labels).shape == grey().shape


def test_letters_are_light_on_dark_and_stay_in_their_box():
    labels = [label("bracket 0.93", 150, 90)]
    (box,) = place_labels(SIZE_WH, labels)
    drawn = draw_labels(grey(), labels)
    inside = np.zeros(drawn.shape[:2], bool)
    inside[box.y : box.y + box.height, box.x : box.x + box.width] = True
    assert (drawn[~inside] == 120).all()
    assert drawn[inside].max() > 200
    assert drawn[inside].min() < 60


def test_cyrillic_names_are_written_as_they_are():
    """A missing glyph would be drawn as the same mark for every letter."""
    inks = []
    for text in ("а", "ж", "щ"):
        labels = [label(text, 150, 90)]
        (box,) = place_labels(SIZE_WH, labels)
        inks.append(draw_labels(grey(), labels)[box.y : box.y + box.height, box.x : box.x + 24])
    widths = [text_size_px(text, 14)[0] for text in ("аааа", "жжжж", "щщщщ")]
    assert len(set(widths)) > 1
    assert not any(a.shape == b.shape and (a == b).all() for a, b in itertools.combinations(inks, 2))


# --- colours ---------------------------------------------------------------------------------------------------------


def test_part_colours_are_stable_and_differ():
    colours = [part_colour(index) for index in range(3 * len(PALETTE))]
    assert len(set(colours)) == 3 * len(PALETTE)
    assert colours[0] == PALETTE[0]
    assert part_colour(3 * len(PALETTE)) == colours[0]
    assert part_colour(UNKNOWN) not in colours


def _seen_by(colour: str, matrix: np.ndarray) -> np.ndarray:
    blue, green, red = bgr(colour)
    linear = (np.array([red, green, blue]) / 255) ** 2.2
    seen = np.clip(matrix @ linear, 0, 1).astype(np.float32) ** (1 / 2.2)
    return cv2.cvtColor(seen[None, None].astype(np.float32), cv2.COLOR_RGB2Lab)[0, 0]


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        # Machado, Oliveira, Fernandes 2009, severity 1: protanopia, deuteranopia
        np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    ],
    ids=["usual", "protanopia", "deuteranopia"],
)
def test_the_palette_stays_apart_for_colour_blind_eyes(matrix):
    seen = [_seen_by(colour, matrix) for colour in PALETTE]
    distances = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 10


def test_mixing_colours():
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert mix("#102030", "#FFFFFF", 0.0) == "#102030"
    assert bgr("#102030") == (0x30, 0x20, 0x10)
