"""What is cut: layers, linetypes and colours, by default and by the user's rules."""

import pytest
from dxf_making import ELL, ELL_AREA, areas, box, codes, document, drawn, issue, lines, read, ring

NOT_CUT = [
    "BEND",
    "Bend_Up",
    "center lines",
    "DIMENSIONS",
    "Text",
    "TITLE_BLOCK",
    "Border",
    "ENGRAVING",
    "Etch",
    "Defpoints",
    "IV_TANGENT",
    "IV_ARC_CENTERS",
    "UP_CENTERLINES",
    "Biegelinien",
    "Bemaßung",
    "Линии гиба",
]


def beside(layer=None, **attribs):
    """A part and, apart from it, a square of 100 mm2 with the given properties."""
    doc, msp = document()
    ring(msp, ELL, layer="CUT")
    if layer is not None:
        attribs["layer"] = layer
    box(msp, 200, 0, 10, 10, **attribs)
    return doc


@pytest.mark.parametrize("layer", NOT_CUT)
def test_layers_that_are_usually_not_cut(layer):
    drawing = read(beside(layer))
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert drawing.entities["LWPOLYLINE"].used == 1 and drawing.entities["LWPOLYLINE"].not_cut == 1
    assert layer in issue(drawing, "not_cut").text  # it says how it decided


@pytest.mark.parametrize("layer", ["0", "CUT", "Outline", "inner", "LASER", "Kontur", "Layer1", "PROFILE"])
def test_other_layers_are_cut(layer):
    drawing = read(beside(layer))
    assert areas(drawing) == pytest.approx([100, ELL_AREA]) and "not_cut" not in codes(drawing)


@pytest.mark.parametrize("linetype", ["CENTER", "DASHDOT", "PHANTOM", "HIDDEN", "DASHED"])
@pytest.mark.parametrize("by_layer", [False, True])
def test_linetypes_that_are_usually_not_cut(linetype, by_layer):
    doc = beside("THIN", **({} if by_layer else {"linetype": linetype}))
    doc.linetypes.add(linetype, [10.0, 5.0, -5.0])
    doc.layers.add("THIN", linetype=linetype if by_layer else "Continuous")
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert linetype in issue(drawing, "not_cut").text


def test_closed_contours_that_may_be_cut_after_all_are_ambiguous():
    assert issue(read(beside("ENGRAVE")), "not_cut").severity == "ambiguous"
    assert issue(read(beside("DIMENSIONS")), "not_cut").severity == "info"


def test_bend_lines_are_not_ambiguous():
    doc, msp = document()
    ring(msp, ELL, layer="CUT")
    msp.add_line((0, 40), (20, 40), dxfattribs={"layer": "BEND"})
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)] and not drawing.ambiguous


def test_included_layers_alone_are_cut():
    assert areas(read(beside("OTHER"), include_layers=("cut",))) == [pytest.approx(ELL_AREA)]
    assert areas(read(beside("OTHER"), include_layers=("O*",))) == [pytest.approx(100)]
    assert read(beside("OTHER"), include_layers=("nothing",)).parts == ()


def test_excluded_layers_replace_the_usual_ones():
    assert areas(read(beside("BEND"), exclude_layers=())) == pytest.approx([100, ELL_AREA])
    assert areas(read(beside("OTHER"), exclude_layers=("oth?r",))) == [pytest.approx(ELL_AREA)]
    assert areas(read(beside("BEND"), exclude_layers=("CUT",))) == [pytest.approx(100)]


def test_excluded_linetypes_replace_the_usual_ones():
    doc = beside(linetype="HIDDEN")
    doc.linetypes.add("HIDDEN", [10.0, 5.0, -5.0])
    assert areas(read(doc, exclude_linetypes=())) == pytest.approx([100, ELL_AREA])


@pytest.mark.parametrize("by_layer", [False, True])
def test_excluded_colours(by_layer):
    doc = beside("RED", **({} if by_layer else {"color": 1}))
    doc.layers.add("RED", color=1 if by_layer else 7)
    drawing = read(doc, exclude_colors=(1,))
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert "colour 1" in issue(drawing, "not_cut").text
    assert areas(read(doc, exclude_colors=(3,))) == pytest.approx([100, ELL_AREA])


@pytest.mark.parametrize("by_layer", [False, True])
def test_included_colours(by_layer):
    doc = beside("RED", **({} if by_layer else {"color": 1}))
    doc.layers.add("RED", color=1 if by_layer else 7)
    doc.layers.add("CUT", color=5)
    drawing = read(doc, include_colors=(1,))
    assert areas(drawing) == [pytest.approx(100)]
    assert "colour 5 is not included" in issue(drawing, "not_cut").text
    assert areas(read(doc, include_colors=(1, 5))) == pytest.approx([100, ELL_AREA])


def test_included_linetypes():
    doc = beside("THIN", linetype="LASER_CUT")
    doc.linetypes.add("LASER_CUT", [0.0])
    drawing = read(doc, include_linetypes=("laser*",))
    assert areas(drawing) == [pytest.approx(100)]
    assert "is not included" in issue(drawing, "not_cut").text


def test_a_drawing_wholly_on_such_a_layer_is_read_all_the_same():
    drawing = drawn(lambda msp: ring(msp, ELL, layer="SKETCH"))
    assert areas(drawing) == [pytest.approx(ELL_AREA)] and "cut_rules_ignored" in codes(drawing)


def test_the_users_own_rules_are_never_ignored():
    drawing = drawn(lambda msp: ring(msp, ELL, layer="SKETCH"), exclude_layers=("sketch",))
    assert drawing.parts == () and drawing.entities["LWPOLYLINE"].not_cut == 1


def test_layer_zero_of_a_block_is_the_layer_of_its_insertion():
    doc, msp = document()
    ring(msp, ELL, layer="CUT")
    box(doc.blocks.new("B"), 0, 0, 10, 10)
    msp.add_blockref("B", (200, 0), dxfattribs={"layer": "BEND"})
    msp.add_blockref("B", (300, 0), dxfattribs={"layer": "CUT"})
    drawing = read(doc)
    assert areas(drawing) == pytest.approx([100, ELL_AREA])
    assert (drawing.entities["INSERT"].used, drawing.entities["INSERT"].not_cut) == (1, 1)


def test_other_layers_of_a_block_stay_their_own():
    doc, msp = document()
    ring(msp, ELL, layer="CUT")
    box(doc.blocks.new("B"), 0, 0, 10, 10, layer="CUT")
    msp.add_blockref("B", (200, 0), dxfattribs={"layer": "BEND"})
    assert areas(read(doc)) == pytest.approx([100, ELL_AREA])


def test_colours_by_block_are_those_of_the_insertion():
    doc, msp = document()
    ring(msp, ELL)
    box(doc.blocks.new("B"), 0, 0, 10, 10, color=0)
    msp.add_blockref("B", (200, 0), dxfattribs={"color": 1})
    msp.add_blockref("B", (300, 0), dxfattribs={"color": 3})
    assert areas(read(doc, exclude_colors=(1,))) == pytest.approx([100, ELL_AREA])


def test_a_title_block_and_a_frame_of_lines_are_set_aside():
    def draw(msp):
        ring(msp, ELL)
        box(msp, -100, -100, 420, 297, layer="BORDER")
        lines(msp, [(200, -100), (320, -100), (320, -60), (200, -60)], layer="TITLE")

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert drawing.entities["LINE"].not_cut == 4


@pytest.mark.parametrize("layer", ["BORDER", "base_frame", "Rahmen"])
@pytest.mark.parametrize(
    ("x", "width", "severity"), [(-100, 420, "info"), (300, 50, "ambiguous"), (-100, 120, "ambiguous")]
)
def test_a_frame_that_does_not_hold_everything_is_a_doubt(layer, x, width, severity):
    def draw(msp):
        ring(msp, ELL)
        box(msp, x, -100, width, 297, layer=layer)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)] and issue(drawing, "not_cut").severity == severity


@pytest.mark.parametrize(("corners", "severity"), [(ELL + 200, "ambiguous"), (ELL[:5] + 200, "info")])
def test_contours_of_separate_lines_that_are_set_aside_are_a_doubt(corners, severity):
    """An L of six lines on a layer of engravings; and one of four lines, which bounds nothing."""

    def draw(msp):
        ring(msp, ELL)
        lines(msp, corners, closed=len(corners) == len(ELL), layer="ENGRAVE")

    found = issue(drawn(draw), "not_cut")
    assert found.severity == severity and ("bound 1 area" in found.text) == (severity == "ambiguous")


@pytest.mark.parametrize("layer", ["construction", "CONTRUCTION2", "constr_lines"])
def test_construction_lines_are_no_doubt(layer):
    def draw(msp):
        ring(msp, ELL)
        box(msp, 5, 5, 10, 10, layer=layer)

    drawing = drawn(draw)
    assert areas(drawing) == [pytest.approx(ELL_AREA)] and not drawing.ambiguous


def test_invisible_entities_are_not_cut():
    drawing = read(beside(invisible=1))
    assert areas(drawing) == [pytest.approx(ELL_AREA)]
    assert drawing.entities["LWPOLYLINE"].not_cut == 1


class TestHiddenLayers:
    """What the draughtsman has hidden is not plotted, and not cut; closed contours there are a doubt."""

    @pytest.mark.parametrize("hide", ["off", "freeze"])
    def test_off_and_frozen_layers_are_not_cut(self, hide):
        doc = beside("SPARE")
        getattr(doc.layers.add("SPARE"), hide)()
        drawing = read(doc)
        found = issue(drawing, "not_cut")
        assert areas(drawing) == [pytest.approx(ELL_AREA)]
        assert "'SPARE' is hidden" in found.text and found.severity == "ambiguous"

    def test_hidden_open_lines_are_no_doubt(self):
        doc, msp = document()
        ring(msp, ELL)
        doc.layers.add("SPARE").off()
        lines(msp, [(10, 5), (50, 5)], closed=False, layer="SPARE")
        drawing = read(doc)
        assert issue(drawing, "not_cut").severity == "info" and not drawing.ambiguous

    def test_own_rules_read_hidden_layers(self):
        doc = beside("SPARE")
        doc.layers.add("SPARE").freeze()
        assert areas(read(doc, exclude_layers=())) == pytest.approx([100, ELL_AREA])

    def test_a_drawing_wholly_on_hidden_layers_is_read_all_the_same(self):
        doc, msp = document()
        ring(msp, ELL, layer="SPARE")
        doc.layers.add("SPARE").freeze()
        drawing = read(doc)
        assert areas(drawing) == [pytest.approx(ELL_AREA)] and "cut_rules_ignored" in codes(drawing)


def test_a_bolt_circle_of_centre_lines_is_no_doubt():
    doc, msp = document()
    ring(msp, ELL)
    doc.linetypes.add("CENTER", [10.0, 5.0, -5.0])
    msp.add_circle((10, 40), 8, dxfattribs={"linetype": "CENTER"})
    drawing = read(doc)
    assert areas(drawing) == [pytest.approx(ELL_AREA)] and issue(drawing, "not_cut").severity == "info"
