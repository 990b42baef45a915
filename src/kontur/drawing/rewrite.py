"""The last fallback: the records of a text written again as a plain DXF that ezdxf reads.

Mended on the way: missing subclass markers, sections, ends of sections and of the file; point codes out of order;
extended data and handles, which are dropped. Kept: layers, blocks, entities that bound material, and the unit. Entities of
other types are dropped here but counted by the census of the reader.
"""

from kontur.drawing.tags import Record, Tag, records, rows_of

_COMMON = frozenset({6, 8, 48, 60, 62, 67, 370, 420})
_DROPPED = frozenset({5, 100, 102, 105, 330, 340, 350, 360})
_SUBCLASSES: dict[str, tuple[tuple[str, frozenset[int] | None], ...]] = {
    "LINE": (("AcDbLine", None),),
    "CIRCLE": (("AcDbCircle", None),),
    "ARC": (("AcDbCircle", frozenset({10, 20, 30, 39, 40, 210, 220, 230})), ("AcDbArc", None)),
    "ELLIPSE": (("AcDbEllipse", None),),
    "SPLINE": (("AcDbSpline", None),),
    "LWPOLYLINE": (("AcDbPolyline", None),),
    "POLYLINE": (("AcDb2dPolyline", None),),
    "VERTEX": (("AcDbVertex", frozenset({0})), ("AcDb2dVertex", None)),
    "INSERT": (("AcDbBlockReference", None),),
    "SOLID": (("AcDbTrace", None),),
    "TRACE": (("AcDbTrace", None),),
    "3DFACE": (("AcDbFace", None),),
    "HATCH": (("AcDbHatch", None),),
    "POINT": (("AcDbPoint", None),),
    "SEQEND": (),
}
_ONE_POINT_EACH = frozenset(
    {"LINE", "CIRCLE", "ARC", "ELLIPSE", "VERTEX", "INSERT", "SOLID", "TRACE", "3DFACE", "POINT"}
)
_POLY_3D_OR_MESH = 8 | 16 | 64


def rewrite(text: str) -> str:
    """Return a plain R2000 DXF with the layers, blocks and entities that `text` holds."""
    header: list[str] = []
    out = {"LAYERS": [], "BLOCKS": [], "ENTITIES": []}  # type: dict[str, list[str]]
    inside, polyline, target = "", False, out["ENTITIES"]
    for record in records(text):
        kind = record.kind
        if kind == "SECTION":
            inside = record.value(2)
            header.extend(_unit(record.tags) if inside == "HEADER" else [])
        elif kind == "LAYER":
            out["LAYERS"].extend(_layer(record))
        elif kind in ("BLOCK", "ENDBLK"):
            _end_polyline(target, polyline)
            target = out["BLOCKS"] if kind == "BLOCK" else out["ENTITIES"]
            out["BLOCKS"].extend(_block(record))
            polyline = False
        elif kind in _SUBCLASSES and inside != "OBJECTS":
            if polyline and kind not in ("VERTEX", "SEQEND"):
                _end_polyline(target, polyline)
            polyline = kind == "POLYLINE" or (polyline and kind == "VERTEX")
            if polyline or kind != "VERTEX":
                target.extend(_entity(record))
    _end_polyline(target, polyline)
    return _document(header, out)


def _document(header: list[str], out: dict[str, list[str]]) -> str:
    return "\n".join([
        *rows_of((0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, "AC1015")), *header, *rows_of((0, "ENDSEC")),
        *rows_of((0, "SECTION"), (2, "TABLES"), (0, "TABLE"), (2, "LAYER"), (70, "1")), *out["LAYERS"],
        *rows_of((0, "ENDTAB"), (0, "ENDSEC"), (0, "SECTION"), (2, "BLOCKS")), *out["BLOCKS"],
        *rows_of((0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES")), *out["ENTITIES"],
        *rows_of((0, "ENDSEC"), (0, "EOF")), "",
    ])  # fmt: skip


def _unit(tags: list[Tag]) -> list[str]:
    names = [index for index, tag in enumerate(tags) if tag == (9, "$INSUNITS")]
    return rows_of((9, "$INSUNITS"), tags[names[0] + 1]) if names and names[0] + 1 < len(tags) else []


def _layer(record: Record) -> list[str]:
    name = record.value(2)
    if not name:
        return []
    color, linetype, flags = record.value(62, "7"), record.value(6, "CONTINUOUS"), record.value(70, "0")
    return rows_of((0, "LAYER"), (100, "AcDbSymbolTableRecord"), (100, "AcDbLayerTableRecord"), (2, name), (70, flags),
                   (62, color), (6, linetype))  # fmt: skip


def _block(record: Record) -> list[str]:
    if record.kind == "ENDBLK":
        return rows_of((0, "ENDBLK"), (100, "AcDbEntity"), (8, "0"), (100, "AcDbBlockEnd"))
    base = [(code, record.value(code, "0")) for code in (10, 20, 30)]
    return rows_of((0, "BLOCK"), (100, "AcDbEntity"), (8, "0"), (100, "AcDbBlockBegin"), (2, record.value(2)), (70, "0"),
                   *base)  # fmt: skip


def _entity(record: Record) -> list[str]:
    kind, tags = record.kind, _without_extras(record.tags)
    common = [tag for tag in tags if tag[0] in _COMMON]
    own = [tag for tag in tags if tag[0] not in _COMMON]
    if kind in _ONE_POINT_EACH:
        own = sorted(dict(reversed(own)).items(), key=_point_order)
    rows = rows_of((0, kind), (100, "AcDbEntity"), *common)
    subclasses = _SUBCLASSES[kind]
    if kind == "POLYLINE" and int(record.value(70, "0")) & _POLY_3D_OR_MESH:
        subclasses = (("AcDb3dPolyline", None),)
    for name, codes in subclasses:
        taken = own if codes is None else [tag for tag in own if tag[0] in codes]
        own = [tag for tag in own if tag not in taken]
        rows += rows_of((100, name), *taken)
    return rows


def _point_order(tag: Tag) -> tuple[int, int, int]:
    """10, 20, 30, 11, 21, 31, ... then the rest."""
    code = tag[0]
    return (0, code % 10, code) if 10 <= code < 40 else (1, 0, code)


def _without_extras(tags: list[Tag]) -> list[Tag]:
    """Drop handles, owners, markers, extended data and groups in braces."""
    kept, in_braces = [], False
    for code, value in tags:
        if code == 102:
            in_braces = value.startswith("{")
        elif not in_braces and code not in _DROPPED and code < 999:
            kept.append((code, value))
    return kept


def _end_polyline(target: list[str], is_open: bool) -> None:
    if is_open:
        target.extend(rows_of((0, "SEQEND"), (100, "AcDbEntity"), (8, "0")))
