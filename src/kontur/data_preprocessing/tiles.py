"""Drawing one thing over the picture's light and id map, tile by tile of its window; tiles that it misses cost nothing."""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import (
    ALL,
    ALL_X,
    ALL_Y,
    BLOCK,
    FX,
    GX,
    GY,
    LIT,
    MM,
    ROWS,
    SENT,
    TILE,
    WHOLES,
)  # fmt: skip
from kontur.data_preprocessing.compiled import ENTRY, INNER
from kontur.data_preprocessing.relief import brush_block, clip_unit, slope_block, texture_block
from kontur.data_preprocessing.sampling import sample_block, sample_one
from kontur.data_preprocessing.shading import HEATED_MM, light_block, oil_block, send_block, wall_block
from kontur.data_preprocessing.vectors import blend_row

_ZERO, _HALF = np.float32(0), np.float32(0.5)
_MIDDLE = np.float32((TILE - 1) / 2)
_REACH_PX = np.float32(TILE * 0.7072 + 0.8)
"""No pixel of a tile is farther from its middle, with room for smooth edges and a template's steps."""


@numba.njit(**ENTRY)
def draw_thing(  # type: ignore[no-untyped-def]
    out,
    ids,
    key,
    template,
    maps,
    window,
    middle,
    lean,
    to_mm,
    scale,
    turn,
    tints,
    s,
    lamps,
    sky,
    texels,
    streaks,
    bevel_mm,
):  # pragma: no cover
    """Draw one thing over `out` and `ids`.

    Args:
        out, ids: (3, H, W) float32 light and (H, W) uint8 id map, changed in place.
        key: the id to write where at least half a pixel is covered.
        template: (h, w) int32, its packed distances, see `sampling`.
        maps: (slices, 9) float32: homographies from (column, row, 1) of the window to the template, top face first.
        window: (left, top, width, begin, end): its corner in `out`, which may lie outside; rows of it to draw, from `begin`,
            a multiple of TILE, to before `end`.
        middle: (2,) float32, of the thing in its window, px.
        lean: greatest width of a wall, px, float32.
        to_mm: (2, 3) float32 from (column, row, 1) of the window to the thing's frame, mm.
        scale: px/mm, float32.
        turn: (2, 2) float32: `to_mm`'s, from steps of the template to px.
        tints: (2, 3) float32: diffuse and specular BGR.
        s: surfaces.Texture.
        lamps: (L, 13) float32, see `illumination.light_thing`.
        sky: (7, 3) float32, see `illumination.light_sky`.
        texels, streaks: see `relief.texture_block`.
        bevel_mm: width of the bevel, float32.

    Returns:
        pixels of these rows that it covers alone, inside the picture or not.
    """
    work, whole = np.empty(ROWS * BLOCK, np.float32), np.empty(WHOLES * BLOCK, np.int32)
    return draw_rows(
        out, ids, key, template, maps, window, middle, lean, to_mm, scale, turn, tints, s, lamps, sky, texels, streaks,
        bevel_mm, work, whole,
    )  # fmt: skip


@numba.njit(**INNER)
def draw_rows(  # type: ignore[no-untyped-def]
    out, ids, key, template, maps, window, middle, lean, to_mm, scale, turn, tints, s, lamps, sky, texels, streaks, bevel_mm,
    work, whole
):  # fmt: skip  # pragma: no cover
    """`draw_thing`; `work`, `whole`: rows of `blocks`."""
    left, top, width, begin, end = window
    covered, inner = 0, scale * max(bevel_mm, HEATED_MM if s.heat > _ZERO else _ZERO)
    for row in range(begin, end, TILE):
        for column in range(0, width, TILE):
            u, v = np.float32(column), np.float32(row)
            depth = sample_one(template, maps[0], u + _MIDDLE, v + _MIDDLE) * scale
            if depth < -_REACH_PX and _deepest(template, maps, u, v) * scale < -_REACH_PX:
                continue
            if depth - _REACH_PX > inner:
                walls = _fill_block(work, depth / scale)
            else:
                walls = _find_block(work, whole, template, maps, u, v, scale)
            x, y = column + left, row + top
            covered += _count(work)
            beyond = x <= -TILE or y <= -TILE or x >= out.shape[2] or y >= out.shape[1]
            if beyond or _greatest(work) * scale <= -_HALF:
                continue
            slope_block(work, bevel_mm, scale, turn)
            brush_block(work, to_mm, u, v, s)
            texture_block(work, whole, texels, streaks, scale, s)
            light_block(work, u - middle[0], v - middle[1], s, lamps, sky)
            if s.oil > _ZERO:
                oil_block(work, s)
            send_block(work, tints, s)
            if walls:
                wall_block(work, scale, lean, turn, tints, lamps, sky)
            _lay(work, out, ids, key, x, y, scale)
    return covered


@numba.njit(**INNER)
def _deepest(template, maps, u, v):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Distance in the middle of a tile, mm: the greatest of all slices."""
    mm = sample_one(template, maps[0], u + _MIDDLE, v + _MIDDLE)
    for n in range(1, len(maps)):
        mm = max(mm, sample_one(template, maps[n], u + _MIDDLE, v + _MIDDLE))
    return mm


@numba.njit(**INNER)
def _fill_block(work, mm):  # type: ignore[no-untyped-def]  # pragma: no cover
    """As `_find_block` for a block so far inside that nothing depends on how far."""
    for k in range(BLOCK):
        work[MM + k] = mm
        work[ALL + k] = mm
        work[GX + k] = _ZERO
        work[GY + k] = _ZERO
    return False


@numba.njit(**INNER)
def _find_block(work, whole, template, maps, u, v, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Distances to the top face, and to the silhouette: the union of all slices. Uses LIT.

    Returns:
        whether any pixel is not all top face.
    """
    sample_block(work, whole, MM, template, maps[0], u, v)
    least = work[MM]
    for k in range(BLOCK):
        least = min(least, work[MM + k])
        work[ALL + k] = work[MM + k]
        work[ALL_X + k] = work[GX + k]
        work[ALL_Y + k] = work[GY + k]
    if least * scale >= _HALF:
        return False
    for n in range(1, len(maps)):
        if sample_one(template, maps[n], u + _MIDDLE, v + _MIDDLE) * scale < -_REACH_PX:
            continue
        sample_block(work, whole, LIT, template, maps[n], u, v)
        for k in range(BLOCK):
            lower = work[LIT + k] > work[ALL + k]
            work[ALL + k] = work[LIT + k] if lower else work[ALL + k]
            work[ALL_X + k] = work[LIT + BLOCK + k] if lower else work[ALL_X + k]
            work[ALL_Y + k] = work[LIT + 2 * BLOCK + k] if lower else work[ALL_Y + k]
    return True


@numba.njit(**INNER)
def _greatest(work):  # type: ignore[no-untyped-def]  # pragma: no cover
    greatest = work[ALL]
    for k in range(BLOCK):
        greatest = max(greatest, work[ALL + k])
    return greatest


@numba.njit(**INNER)
def _count(work):  # type: ignore[no-untyped-def]  # pragma: no cover
    """How many pixels are covered by half at least."""
    count = 0
    for k in range(BLOCK):
        count += work[ALL + k] >= _ZERO
    return count


@numba.njit(**INNER)
def _lay(work, out, ids, key, x, y, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lay a block over the picture where its coverage says so; `x`, `y`: its first pixel in the picture."""
    height, width = ids.shape
    if x >= 0 and y >= 0 and x + TILE <= width and y + TILE <= height:
        _lay_whole(work, out, ids, key, x, y, scale)
        return
    mine = np.uint8(key)
    for row in range(max(0, -y), min(TILE, height - y)):
        for column in range(max(0, -x), min(TILE, width - x)):
            k = row * TILE + column
            mm = work[ALL + k]
            if mm >= _ZERO:
                ids[y + row, x + column] = mine
            cover = clip_unit(mm * scale + _HALF)
            for c in range(3):
                out[c, y + row, x + column] += (work[SENT + c * BLOCK + k] - out[c, y + row, x + column]) * cover


@numba.njit(**INNER)
def _lay_whole(work, out, ids, key, x, y, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """As `_lay`, for a block that lies within the picture: no bounds in the way of vector instructions. Uses FX."""
    width = ids.shape[1]
    mine, line = np.uint8(key), np.uint64(width)
    for k in range(BLOCK):
        work[FX + k] = clip_unit(work[ALL + k] * scale + _HALF)
    first = np.uint64(y) * line + np.uint64(x)
    owners = ids.reshape(-1)
    for row in range(TILE):
        at = first + np.uint64(row) * line
        for k in range(TILE):
            place = at + np.uint64(k)
            owners[place] = mine if work[ALL + row * TILE + k] >= _ZERO else owners[place]
    light = out.reshape(-1)
    for c in range(3):
        for row in range(TILE):
            at = np.uint64(c * ids.size) + first + np.uint64(row) * line
            blend_row(light, at, work, np.uint64(SENT + c * BLOCK + row * TILE), np.uint64(FX + row * TILE))
