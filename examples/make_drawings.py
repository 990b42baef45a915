"""Write the example drawings: fourteen DXF files of laser-cut parts, as a CAD department would hand them over.

Run `python examples/make_drawings.py [FOLDER]`. Without a folder it writes src/kontur/templates/drawings, which the package
brings along, and, because the root of the repository is a workspace itself, data/raw/dxf_templates. The files are the same
byte for byte every time.

Two pairs look alike on purpose: cover_plate and cover_plate_vented (one hole more), bracket_left and bracket_right
(mirrored). tri_flange looks the same every 120 degrees, spur_gear every 22.5.
"""

import sys
from collections.abc import Callable
from math import cos, pi, radians, sin, tan
from pathlib import Path

import ezdxf
from ezdxf import units
from ezdxf.document import Drawing
from ezdxf.layouts import BaseLayout
from ezdxf.math import Vec2

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (ROOT / "src" / "kontur" / "templates" / "drawings", ROOT / "data" / "raw" / "dxf_templates")
QUARTER_TURN_BULGE = tan(pi / 8)


def main(targets: tuple[Path, ...]) -> None:
    """Write every drawing into every target folder."""
    ezdxf.options.write_fixed_meta_data_for_testing = True
    for name, (draw, version, unit) in DRAWINGS.items():
        document = ezdxf.new(version, setup=["linetypes"])
        document.units = unit
        document.header["$MEASUREMENT"] = int(unit == units.MM)
        draw(document, document.modelspace())
        for folder in targets:
            folder.mkdir(parents=True, exist_ok=True)
            document.saveas(folder / f"{name}.dxf")


def bracket(document: Drawing, space: BaseLayout, mirror: int) -> None:
    """An angle bracket of lines and arcs, 84 x 62 mm; `mirror` is 1 or -1."""
    document.layers.add("CUT", color=7)

    def at(x: float, y: float) -> tuple[float, float]:
        return mirror * x, y

    corners = [
        (6, 0),
        (78, 0),
        (84, 6),
        (84, 20),
        (78, 26),
        (36, 26),
        (26, 36),
        (26, 56),
        (20, 62),
        (6, 62),
        (0, 56),
        (0, 6),
    ]
    lines = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)]
    for a, b in lines:
        space.add_line(at(*corners[a]), at(*corners[b]), {"layer": "CUT"})
    for x, y, radius, start in (
        (78, 6, 6, 270),
        (78, 20, 6, 0),
        (36, 36, 10, 180),
        (20, 56, 6, 0),
        (6, 56, 6, 90),
        (6, 6, 6, 180),
    ):
        angles = (start, start + 90) if mirror > 0 else (90 - start, 180 - start)
        space.add_arc(at(x, y), radius, *angles, dxfattribs={"layer": "CUT"})
    for x, y, radius in ((13, 48, 3.3), (13, 13, 3.3), (46, 13, 2.25), (70, 13, 4.5)):
        space.add_circle(at(x, y), radius, {"layer": "CUT"})


def rounded_rectangle(space: BaseLayout, x: float, y: float, width: float, height: float, radius: float) -> None:
    """Add a closed LWPOLYLINE whose corners are bulges; (x, y) is the lower left corner."""
    b, r = QUARTER_TURN_BULGE, radius
    right, top = x + width, y + height
    space.add_lwpolyline(
        [(x + r, y, 0), (right - r, y, b), (right, y + r, 0), (right, top - r, b),
         (right - r, top, 0), (x + r, top, b), (x, top - r, 0), (x, y + r, b)],
        format="xyb", close=True,
    )  # fmt: skip


def cover_plate(_document: Drawing, space: BaseLayout, vented: bool) -> None:
    """A cover of 90 x 56 mm with four screw holes, a cable slot, and a vent hole in one of the two."""
    rounded_rectangle(space, 0, 0, 90, 56, 7)
    for x, y in ((8, 8), (82, 8), (82, 48), (8, 48)):
        space.add_circle((x, y), 2.7)
    rounded_rectangle(space, 20, 32, 24, 9, 4.4)
    if vented:
        space.add_circle((63, 24), 5.5)


def tri_flange(_document: Drawing, space: BaseLayout) -> None:
    """A flange with three lugs: arcs about the lugs joined by tangent lines, 3-fold."""
    lug, radius = 26.0, 9.0
    for k in range(3):
        angle = 90 + 120 * k
        centre = Vec2.from_deg_angle(angle, lug)
        space.add_arc(centre, radius, angle - 60, angle + 60)
        following = Vec2.from_deg_angle(angle + 120, lug)
        outwards = Vec2.from_deg_angle(angle + 60, radius)
        space.add_line(centre + outwards, following + outwards)
        space.add_circle(centre, 3.4)
    space.add_circle((0, 0), 12)


def spur_gear(document: Drawing, space: BaseLayout) -> None:
    """A gear of 16 teeth: a tooth block inserted 16 times into a rim block, which is inserted once."""
    tooth, rim = document.blocks.new("TOOTH"), document.blocks.new("RIM")
    pitch = 2 * pi / 16
    root, tip, half_root, half_tip = 27.0, 33.0, 0.30 * pitch, 0.13 * pitch

    def polar(radius: float, angle: float) -> tuple[float, float]:
        return radius * cos(angle), radius * sin(angle)

    tooth.add_line(polar(root, -half_root), polar(tip, -half_tip))
    tooth.add_arc((0, 0), tip, -half_tip * 180 / pi, half_tip * 180 / pi)
    tooth.add_line(polar(tip, half_tip), polar(root, half_root))
    tooth.add_arc((0, 0), root, half_root * 180 / pi, (pitch - half_root) * 180 / pi)
    for k in range(16):
        rim.add_blockref("TOOTH", (0, 0), {"rotation": 22.5 * k})
    rim.add_circle((0, 0), 8)
    space.add_blockref("RIM", (40, 40))


def gasket(_document: Drawing, space: BaseLayout) -> None:
    """An elliptic gasket of 88 x 52 mm with an elliptic window and two bolt holes."""
    space.add_ellipse((0, 0), major_axis=(44, 0), ratio=26 / 44)
    space.add_ellipse((0, 0), major_axis=(0, 16), ratio=1.4 / 1.6)
    for x in (-33, 33):
        space.add_circle((x, 0), 3.5)


def lever(_document: Drawing, space: BaseLayout) -> None:
    """A hand lever: a closed spline with two bores of different size."""
    outline = [
        (-14, 0),
        (-10, 11),
        (4, 13),
        (22, 8),
        (44, 9),
        (66, 16),
        (80, 12),
        (82, 0),
        (72, -8),
        (48, -4),
        (24, -9),
        (4, -14),
        (-10, -10),
    ]
    space.add_spline().set_closed([(x, y, 0) for x, y in outline])
    space.add_circle((0, 0), 6)
    space.add_circle((72, 4), 3)


def slotted_link(_document: Drawing, space: BaseLayout) -> None:
    """A link drawn in inches: 3.5 x 1 with a slot, of lines and arcs."""
    for x, radius, sense in ((0.0, 0.5, 1), (2.5, 0.5, -1)):
        space.add_arc((x, 0), radius, 90 if sense > 0 else 270, 270 if sense > 0 else 90)
    for y in (-0.5, 0.5):
        space.add_line((0, y), (2.5, y))
    for x, start in ((1.125, 90), (2.5, 270)):
        space.add_arc((x, 0), 0.1875, start, start + 180)
    for y in (-0.1875, 0.1875):
        space.add_line((1.125, y), (2.5, y))
    space.add_circle((0, 0), 0.25)


def hinge_leaf(_document: Drawing, space: BaseLayout) -> None:
    """A hinge leaf drawn in inches: knuckle notches, countersunk screw pattern."""
    corners = [
        (0, 0),
        (1.5, 0),
        (1.5, 0.625),
        (1.875, 0.625),
        (1.875, 1.25),
        (1.5, 1.25),
        (1.5, 1.875),
        (1.875, 1.875),
        (1.875, 2.5),
        (0, 2.5),
    ]
    space.add_lwpolyline(corners, close=True)
    for x, y in ((0.4375, 0.375), (1.0, 1.25), (0.4375, 2.125)):
        space.add_circle((x, y), 0.109375)


def perforated_strip(document: Drawing, space: BaseLayout) -> None:
    """A strip with a clipped corner; its holes are an arrayed insertion within a mirrored one."""
    hole, row = document.blocks.new("HOLE"), document.blocks.new("ROW")
    hole.add_circle((0, 0), 2)
    row.add_blockref("HOLE", (0, 0), {"column_count": 7, "column_spacing": 12, "row_count": 2, "row_spacing": 12})
    space.add_lwpolyline([(0, 0), (100, 0), (100, 18), (88, 30), (0, 30)], close=True)
    space.add_blockref("ROW", (86, 9), {"xscale": -1})


def shim_sheet(_document: Drawing, space: BaseLayout) -> None:
    """A sheet with three different shims beside each other."""
    rounded_rectangle(space, 0, 0, 48, 30, 4)
    rounded_rectangle(space, 12, 10, 24, 10, 2)
    space.add_lwpolyline([(60, 0, 0), (104, 0, 0), (104, 24, 0.35), (60, 24, 0)], format="xyb", close=True)
    for x in (70, 94):
        space.add_circle((x, 10), 3)
    outline = [(120, 0), (158, 0), (158, 10), (146, 10), (146, 22), (158, 22), (158, 32), (120, 32)]
    space.add_lwpolyline(outline, close=True)
    space.add_circle((130, 16), 4.25)


def folded_clip(document: Drawing, space: BaseLayout) -> None:
    """A blank to be folded: cut lines, bend lines, dimensions, centre lines, a frame and a title block."""
    for name, color, linetype in (
        ("CUT", 7, "CONTINUOUS"), ("BEND", 3, "DASHED"), ("CENTERLINE", 1, "CENTER"), ("DIMENSIONS", 5, "CONTINUOUS"),
        ("TITLE", 8, "CONTINUOUS"),
    ):  # fmt: skip
        document.layers.add(name, color=color, linetype=linetype)
    cut = {"layer": "CUT"}
    outline = [
        (0, 8),
        (24, 8),
        (30, 0),
        (72, 0),
        (78, 8),
        (104, 8),
        (104, 40),
        (78, 40),
        (72, 46),
        (30, 46),
        (24, 40),
        (0, 40),
    ]
    space.add_lwpolyline(outline, close=True, dxfattribs=cut)
    for x, y, radius in ((11, 24, 4), (51, 23, 8), (93, 17, 2.5), (93, 31, 2.5)):
        space.add_circle((x, y), radius, cut)
        for dx, dy in ((radius + 2, 0), (0, radius + 2)):
            space.add_line((x - dx, y - dy), (x + dx, y + dy), {"layer": "CENTERLINE"})
    for x in (27, 75):
        space.add_line((x, 4), (x, 43), {"layer": "BEND"})
    space.add_linear_dim(base=(0, -14), p1=(0, 8), p2=(104, 8), dxfattribs={"layer": "DIMENSIONS"}).render()
    space.add_linear_dim(
        base=(118, 0), p1=(104, 0), p2=(104, 46), angle=90, dxfattribs={"layer": "DIMENSIONS"}
    ).render()
    title = {"layer": "TITLE"}
    space.add_lwpolyline([(-30, -50), (180, -50), (180, 80), (-30, 80)], close=True, dxfattribs=title)
    space.add_lwpolyline([(90, -50), (180, -50), (180, -25), (90, -25)], close=True, dxfattribs=title)
    space.add_line((90, -37), (180, -37), title)
    space.add_text("FOLDED CLIP  t = 1.5  1:1", height=5, dxfattribs=title).set_placement((93, -34))
    space.add_text("all bends 90 deg up", height=4, dxfattribs=title).set_placement((93, -46))


def ratchet(_document: Drawing, space: BaseLayout) -> None:
    """A ratchet wheel of 10 saw teeth (it has a sense of turning) with a square bore."""
    points = []
    for k in range(10):
        points += [
            (24 * cos(radians(36 * k)), 24 * sin(radians(36 * k))),
            (31 * cos(radians(36 * k + 4)), 31 * sin(radians(36 * k + 4))),
        ]
    space.add_polyline2d(points, close=True)
    rounded_rectangle(space, -6, -6, 12, 12, 1)
    space.add_circle((0, 15), 2.5)


DRAWINGS: dict[str, tuple[Callable[[Drawing, BaseLayout], None], str, int]] = {
    "bracket_left": (lambda d, s: bracket(d, s, 1), "R2000", units.MM),
    "bracket_right": (lambda d, s: bracket(d, s, -1), "R2000", units.MM),
    "cover_plate": (lambda d, s: cover_plate(d, s, False), "R2010", units.MM),
    "cover_plate_vented": (lambda d, s: cover_plate(d, s, True), "R2010", units.MM),
    "tri_flange": (tri_flange, "R2000", units.MM),
    "spur_gear": (spur_gear, "R2000", units.MM),
    "gasket": (gasket, "R2000", units.MM),
    "lever": (lever, "R2004", units.MM),
    "slotted_link": (slotted_link, "R2000", units.IN),
    "hinge_leaf": (hinge_leaf, "R2007", units.IN),
    "perforated_strip": (perforated_strip, "R2000", units.MM),
    "shim_sheet": (shim_sheet, "R2000", units.MM),
    "folded_clip": (folded_clip, "R2000", units.MM),
    "ratchet": (ratchet, "R2000", units.MM),
}

if __name__ == "__main__":
    main((Path(sys.argv[1]),) if len(sys.argv) > 1 else TARGETS)
