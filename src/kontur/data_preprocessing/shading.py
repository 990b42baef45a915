"""Drawing one thing: its top face under lamps and sky, its side walls, blended over what lies there.

All light is linear. The microfacet term is an anisotropic GGX distribution of slopes (Walter et al. 2007; Burley 2012),
evaluated at the difference between the half vector's slope and the surface's; masking and Fresnel's rise at grazing angles
are left out, because the camera looks down on the parts.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import (
    BLOCK,
    CHANGE,
    DIRT,
    LIT,
    NX,
    NY,
    ROUGH,
    ROWS,
    RUST,
    SCRATCH,
    SENT,
    TONE,
    TX,
    TY,
    UPRIGHT,
)  # fmt: skip
from kontur.data_preprocessing.compiled import FAST
from kontur.data_preprocessing.relief import brush_block, clip_unit, slope_block, texture_block

_ZERO, _QUARTER, _HALF, _ONE, _TWO, _FOUR = (np.float32(value) for value in (0, 0.25, 0.5, 1, 2, 4))
_FILM = np.float32(1.6)
"""Mean thickness of an oil film, in orders of interference of green light."""
_TINY = np.float32(1e-6)


@numba.njit(**FAST)
def draw_part(  # type: ignore[no-untyped-def]
    out, ids, key, top_mm, all_mm, left, top, to_mm, scale, tints, s, lamps, sky, texels, streaks, bevel_mm
):  # pragma: no cover
    """Draw one part over `out` and `ids`.

    Args:
        out, ids: (3, H, W) float32 light and (H, W) uint8 id map, changed in place.
        key: the id to write where at least half a pixel is covered.
        top_mm, all_mm: (h, w) float32 signed distance (mm) to the top face's outline and to the silhouette's with walls.
        left, top: where element [0, 0] lies in the picture; may lie outside it.
        to_mm: (2, 3) float32 from (column, row, 1) to the part's frame, mm.
        scale: px/mm, float32.
        tints: (2, 3) float32: diffuse and specular BGR.
        s: surfaces.Texture.
        lamps: (L, 13) float32, see `illumination.lamp_rows`.
        sky: (5, 3) float32, see `illumination.sky_rows`.
        texels, streaks: see `relief.texture_block`.
        bevel_mm: width of the bevel, float32.

    Returns:
        pixels that it covers alone, inside the picture or not.
    """
    height, width = top_mm.shape
    work = np.empty(ROWS * BLOCK, np.float32)
    whole = 0
    for row in range(1, height - 1):
        y = row + top
        first, last, covered = _span(all_mm[row], scale)
        whole += covered
        first, last = max(first, -left), min(last, out.shape[2] - left)
        if y < 0 or y >= out.shape[1] or first >= last:
            continue
        for begin in range(first, last, BLOCK):
            end = min(last, begin + BLOCK)
            count, around = end - begin, slice(begin - 1, end + 1)
            slope_block(work, top_mm[row - 1, around], top_mm[row, around], top_mm[row + 1, around], bevel_mm, scale)
            brush_block(work, count, to_mm, begin, row, s)
            texture_block(work, count, texels, streaks, scale, s)
            u, v = np.float32(begin) - _HALF * np.float32(width), np.float32(row) - _HALF * np.float32(height)
            _light_block(work, count, u, v, s, lamps, sky)
            if s.oil > _ZERO:
                _oil_block(work, count, s)
            _send_block(work, count, top_mm[row, begin:end], tints, s)
            _wall_block(
                work, count, all_mm[row - 1 : row + 2, around], top_mm[row, begin:end], scale, tints, lamps, sky
            )
            for c in range(3):
                _blend_block(
                    work, SENT + c * BLOCK, out[c, y, begin + left : end + left], all_mm[row, begin:end], scale
                )
            _own_block(ids[y, begin + left : end + left], key, all_mm[row, begin:end])
    return whole


@numba.njit(**FAST)
def _span(mm, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First and last + 1 column of a row with any cover, and how many are covered by half at least."""
    covered = 0
    for column in range(1, len(mm) - 1):
        covered += mm[column] >= _ZERO
    first, last = 1, len(mm) - 1
    while first < last and mm[first] * scale <= -_HALF:
        first += 1
    while first < last and mm[last - 1] * scale <= -_HALF:
        last -= 1
    return first, last, covered


@numba.njit(**FAST)
def _light_block(work, count, u, v, s, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """LIT and SENT (a perfect mirror's). `u`, `v`: first pixel from the window's middle, px."""
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        level, overhead, horizon, right, up = sky[0, c], sky[1, c], sky[2, c], sky[3, c], sky[4, c]
        for x in range(count):
            nx, ny = work[NX + x], work[NY + x]
            tilt = min(_ONE, _TWO * np.sqrt(nx * nx + ny * ny))
            work[lit + x] = level
            work[sent + x] = max(_ZERO, overhead + (horizon - overhead) * tilt + nx * right + ny * up)
    for k in range(len(lamps)):
        _lamp_block(work, count, u, v, s, lamps[k])


@numba.njit(**FAST)
def _lamp_block(work, count, u, v, s, lamp):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add a lamp to LIT and SENT."""
    blue, green, red, lx, ly, lz = lamp[0], lamp[1], lamp[2], lamp[3], lamp[4], lamp[5]
    hx0, hy0 = lamp[6] + lamp[8] * u + lamp[10] * v, lamp[7] + lamp[9] * u + lamp[11] * v
    step_x, step_y, blur = lamp[8], lamp[9], lamp[12]
    along, across = s.along, s.across
    for x in range(count):
        nx, ny, tx, ty = work[NX + x], work[NY + x], work[TX + x], work[TY + x]
        rough, more = work[ROUGH + x], work[CHANGE + x] + blur
        hx, hy = hx0 + step_x * np.float32(x) - nx, hy0 + step_y * np.float32(x) - ny
        a, b = along * rough + more, across * rough + more
        p, q, both = (hx * tx + hy * ty) * b, (hx * ty - hy * tx) * a, a * b
        spread = both * both + p * p + q * q
        shine = _QUARTER * both * both * both / (spread * spread) + work[SCRATCH + x]
        faced = max(_ZERO, (lz + nx * lx + ny * ly) * work[UPRIGHT + x])
        work[LIT + x] += blue * faced
        work[LIT + BLOCK + x] += green * faced
        work[LIT + 2 * BLOCK + x] += red * faced
        work[SENT + x] += blue * shine
        work[SENT + BLOCK + x] += green * shine
        work[SENT + 2 * BLOCK + x] += red * shine


@numba.njit(**FAST)
def _oil_block(work, count, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tint the mirror by the interference of a film that is thicker where there is dirt, and darken what lies under it."""
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        per_film = (np.float32(1.2), np.float32(1.0), np.float32(0.86))[c]
        for x in range(count):
            amount = s.oil * clip_unit(_HALF + work[DIRT + x])
            order = (_FILM + work[DIRT + x]) * per_film
            ramp = _FOUR * abs(order - np.floor(order) - _HALF) - _ONE  # -1..1, from there to a cosine of the order
            work[sent + x] *= _ONE + amount * ramp * (np.float32(0.9) - np.float32(0.3) * ramp * ramp)
            work[lit + x] *= _ONE - _QUARTER * amount


@numba.njit(**FAST)
def _send_block(work, count, mm, tints, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """SENT: the material's answer, with tone, heat tint at the edges, and rust."""
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        diffuse, specular = tints[0, c], tints[1, c]
        heat = s.heat * (np.float32(0.25), np.float32(-0.15), np.float32(-0.25))[c]
        rust = (np.float32(0.02), np.float32(0.06), np.float32(0.16))[c]
        for x in range(count):
            edge = clip_unit(_ONE - mm[x] * np.float32(0.67))
            level = diffuse * work[lit + x] + specular * work[sent + x]
            level *= work[TONE + x] * (_ONE + heat * edge)
            rusty = rust * (_ONE + _HALF * work[DIRT + x]) * work[lit + x]
            work[sent + x] = level + work[RUST + x] * (rusty - level)


@numba.njit(**FAST)
def _wall_block(work, count, all_mm, face, scale, tints, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blend in walls where they show beside the top face: level with the table, lit from the side, mirroring the horizon."""
    for x in range(count):
        on_top, covered = clip_unit(face[x] * scale + _HALF), clip_unit(all_mm[1, x + 1] * scale + _HALF)
        if on_top >= covered:
            continue
        on_top /= covered
        gx, gy = all_mm[1, x + 2] - all_mm[1, x], all_mm[0, x + 1] - all_mm[2, x + 1]
        shrink = -_ONE / max(_TINY, np.sqrt(gx * gx + gy * gy))
        for c in range(3):
            light = np.float32(0.35) * sky[0, c]
            for k in range(len(lamps)):
                light += lamps[k, c] * max(_ZERO, (gx * lamps[k, 3] + gy * lamps[k, 4]) * shrink)
            wall = tints[0, c] * light + tints[1, c] * (np.float32(0.4) * sky[2, c] + _QUARTER * light)
            work[SENT + c * BLOCK + x] = wall + (work[SENT + c * BLOCK + x] - wall) * on_top


@numba.njit(**FAST)
def _blend_block(work, sent, line, mm, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lay the row of `work` at `sent` over a plane's line, by coverage."""
    for x in range(len(mm)):
        line[x] += (work[sent + x] - line[x]) * clip_unit(mm[x] * scale + _HALF)


@numba.njit(**FAST)
def _own_block(ids, key, mm):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the id where at least half a pixel is covered."""
    mine = np.uint8(key)
    for x in range(len(mm)):
        ids[x] = mine if mm[x] >= _ZERO else ids[x]
