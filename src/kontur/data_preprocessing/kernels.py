"""The inner loops of the renderer, compiled by numba: light on a table, one part over it, shadows, sensor.

All light is linear, float32, channels B, G, R. Slopes are (x, y) in the plane's frame (x right, y up), pictures have v down.
The microfacet term is an anisotropic GGX distribution of slopes (Walter et al. 2007; Burley 2012), evaluated at the
difference between the half vector's slope and the surface's; masking and Fresnel's rise at grazing angles are left out,
because the camera looks down on the parts.
"""

import numba
import numpy as np

from kontur.data_preprocessing.surfaces import NONE, TURNED
from kontur.data_preprocessing.textures import DETAIL_SIZE, GRAIN, GRUNGE, SCRATCHES, SPANGLE, STREAKS

_WRAP = DETAIL_SIZE - 1
_ZERO, _QUARTER, _HALF, _ONE = np.float32(0), np.float32(0.25), np.float32(0.5), np.float32(1)
_TWO, _FOUR, _SIX = np.float32(2), np.float32(4), np.float32(6)
_POSITIVE = np.float32(65536)
_FINE_PER_MM, _BLOTCH_PER_MM = np.float32(3.0), np.float32(1.5)
"""Texels of the detail pool for each mm."""

_NX, _NY, _BLUR, _X, _Y, _TX, _TY, _ALONG, _ACROSS, _TONE, _ROUGH, _SCRATCH, _RUST, _FINE = range(14)
_B, _G, _R, _DB, _DG, _DR, _WORK_ROWS = range(14, 21)
"""Rows of the array that holds what is known about one row of pixels while it is drawn."""

_fast = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


@numba.njit(**_fast)
def light_table(out, pattern, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the table's light: a pattern's tone times the light, which is interpolated from a coarse grid.

    Args:
        out: (H, W, 3) float32, written.
        pattern: (H, W, C) uint8; C is 1 for a grey pattern and 3 for a picture.
        tones: (3, 256) float32, the tone of each level for B, G, R.
        light: (h, w, 3) float32, corner to corner over the picture, h and w at least 2.
    """
    height, width = out.shape[:2]
    rows, columns = light.shape[:2]
    step_y, step_x = np.float32((rows - 1) / height), np.float32((columns - 1) / width)
    line = np.empty((columns, 3), np.float32)
    last = pattern.shape[2] - 1
    for y in range(height):
        at = np.float32(y) * step_y
        k = int(at)
        t = at - np.float32(k)
        for j in range(columns):
            for c in range(3):
                line[j, c] = light[k, j, c] + (light[k + 1, j, c] - light[k, j, c]) * t
        for x in range(width):
            at = np.float32(x) * step_x
            j = int(at)
            t = at - np.float32(j)
            for c in range(3):
                level = line[j, c] + (line[j + 1, c] - line[j, c]) * t
                out[y, x, c] = tones[c, pattern[y, x, min(c, last)]] * level


@numba.njit(**_fast)
def cast_shadows(out, mm, scale, shifts, softness, shares, left, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Darken `out` around a thing.

    A lamp's shadow is the union of a few copies of the thing, moved away from the lamp in proportion to the height they
    stand for; the penumbra grows with that height. The last row is the sky's: a contact shadow without shift.

    Args:
        out: (H, W, 3) float32 light, changed in place.
        mm: (h, w) float32 signed distance (mm) to the thing's silhouette.
        scale: px/mm, float32.
        shifts: (L, 2) int64 (column, row) px of the top edge's shadow.
        softness: (L,) float32 width of its penumbra, px.
        shares: (L, 3) float32 share of the light that each lamp, and last the sky, brings.
        left, top: where element [0, 0] of `mm` lies in the picture.
    """
    height, width = mm.shape
    first, last = max(0, -left), min(width, out.shape[1] - left)
    if first >= last:
        return
    hidden = np.empty(last - first, np.float32)
    factor = np.empty((3, last - first), np.float32)
    for row in range(max(0, -top), min(height, out.shape[0] - top)):
        factor[:] = _ONE
        for k in range(len(shifts)):
            hidden[:] = _ZERO
            _hide(hidden, mm, row, first, scale, shifts[k, 0], shifts[k, 1], softness[k], _ONE)
            if shifts[k, 0] != 0 or shifts[k, 1] != 0:
                _hide(hidden, mm, row, first, scale, shifts[k, 0], shifts[k, 1], softness[k], _HALF)
            for c in range(3):
                _dim(factor[c], hidden, shares[k, c])
        target = out[row + top, first + left : last + left]
        for x in range(last - first):
            for c in range(3):
                target[x, c] *= factor[c, x]


@numba.njit(**_fast)
def _hide(hidden, mm, row, first, scale, shift_x, shift_y, softness, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Hide a row by a copy of the thing, `reach` of the whole way down its shadow."""
    dx, dy = int(np.rint(shift_x * reach)), int(np.rint(shift_y * reach))
    height, width = mm.shape
    if not 0 <= row - dy < height:
        return
    begin, end = max(first, dx), min(first + len(hidden), width + dx)
    target, source = hidden[begin - first : end - first], mm[row - dy, begin - dx : end - dx]
    steep = scale / max(_ONE, softness * reach)
    for x in range(end - begin):
        target[x] = max(target[x], min(_ONE, source[x] * steep + _HALF))


@numba.njit(**_fast)
def _dim(factor, hidden, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(len(factor)):
        factor[x] -= share * hidden[x]


@numba.njit(**_fast)
def _unit(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Clip to 0..1."""
    return min(_ONE, max(_ZERO, value))


@numba.njit(**_fast)
def draw_part(  # type: ignore[no-untyped-def]
    out, ids, key, visible, top_mm, all_mm, left, top, to_mm, scale, tints, s, lamps, sky, detail, bevel_mm
):  # pragma: no cover
    """Draw one part over `out` and `ids`.

    Works row by row, each step over the whole span of a row, so that the compiler can use vector instructions.

    Args:
        out, ids: (H, W, 3) float32 light and (H, W) uint8 id map, changed in place.
        key: the id to write where at least half a pixel is covered.
        visible: (256,) int64 pixels of each id, kept up to date.
        top_mm, all_mm: (h, w) float32 signed distance (mm) to the top face's outline and to the silhouette's with walls.
        left, top: where element [0, 0] lies in the picture; may lie outside it.
        to_mm: (2, 3) float32 from (column, row, 1) to the part's frame, mm.
        scale: px/mm, float32.
        tints: (2, 3) float32: diffuse and specular BGR.
        s: surfaces.Texture.
        lamps: (L, 13) float32: irradiance over pi BGR, direction xyz, half-vector slope xy at the middle, its change per
            column xy and per row xy, a quarter of the lamp's angular radius.
        sky: (3, 3) float32: diffuse sky BGR; what a mirror sees overhead; what it sees towards the horizon.
        detail: (5, 512, 512) uint8 detail pool.
        bevel_mm: width of the bevel, float32.

    Returns:
        pixels that it covers alone, inside the picture or not.
    """
    height, width = top_mm.shape
    work = np.empty((_WORK_ROWS, width), np.float32)
    whole = 0
    for row in range(1, height - 1):
        y = row + top
        first, last, covered = _span(all_mm[row], scale)
        whole += covered
        first, last = max(first, -left), min(last, out.shape[1] - left)
        if y < 0 or y >= out.shape[0] or first >= last:
            continue
        count = last - first
        du, dv = np.float32(first) - _HALF * np.float32(width), np.float32(row) - _HALF * np.float32(height)
        _bevel_row(work, count, top_mm, row, first, bevel_mm, scale)
        _brush_row(work, count, to_mm, row, first, s)
        _dirt_row(work, count, detail, s)
        _light_row(work, count, du, dv, tints, s, lamps, sky)
        _finish_row(work, count, top_mm[row, first:], s)
        _wall_row(work, count, all_mm, top_mm, row, first, scale, tints, lamps, sky)
        _blend_row(
            work, count, out[y, first + left :], ids[y, first + left :], key, all_mm[row, first:], scale, visible
        )
    return whole


@numba.njit(**_fast)
def _span(mm, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First and last + 1 column of a row with any cover, and how many are covered by half at least."""
    first, last, covered = len(mm), 0, 0
    for column in range(1, len(mm) - 1):
        cover = mm[column] * scale + _HALF
        covered += cover >= _HALF
        if cover > _ZERO:
            first = min(first, column)
            last = column + 1
    return first, last, covered


@numba.njit(**_fast)
def _bevel_row(work, count, mm, row, first, bevel_mm, scale):  # type: ignore[no-untyped-def]  # pragma: no cover
    """NX, NY: the surface's slope; BLUR: how much it changes within a pixel."""
    change = min(_HALF, np.float32(0.45) / (bevel_mm * scale))
    above, here, below = mm[row - 1, first:], mm[row, first:], mm[row + 1, first:]
    west, east = mm[row, first - 1 :][:count], mm[row, first + 1 :][:count]
    for x in range(count):
        inside = _unit(here[x] / bevel_mm)
        gain = scale * (_ONE - inside) * np.float32(0.45)
        work[_NX, x] = (west[x] - east[x]) * gain
        work[_NY, x] = (below[x] - above[x]) * gain
        work[_BLUR, x] = change if inside < _ONE else _ZERO


@numba.njit(**_fast)
def _brush_row(work, count, to_mm, row, first, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """TX, TY: direction of brushing in the plane's frame; X, Y: place in the part's frame; ALONG, ACROSS: streak texel."""
    v = np.float32(row)
    for x in range(count):
        u = np.float32(x + first)
        px = to_mm[0, 0] * u + to_mm[0, 1] * v + to_mm[0, 2]
        py = to_mm[1, 0] * u + to_mm[1, 1] * v + to_mm[1, 2]
        work[_X, x] = px
        work[_Y, x] = py
        bx, by = s.brush_x, s.brush_y
        along, across = (px * bx + py * by) * _TWO, (py * bx - px * by) * _SIX
        if s.brushing == TURNED:
            rx, ry = px - s.centre_x, py - s.centre_y
            radius = np.sqrt(rx * rx + ry * ry) + np.float32(1e-3)
            bx, by = -ry / radius, rx / radius
            around = ry / (abs(rx) + abs(ry) + np.float32(1e-3))  # grows with the angle; a true angle is not needed
            along, across = around * np.float32(60), radius * _SIX
        work[_ALONG, x] = along + s.shift_x
        work[_ACROSS, x] = across + s.shift_y
        tx = to_mm[0, 0] * bx + to_mm[1, 0] * by
        ty = -(to_mm[0, 1] * bx + to_mm[1, 1] * by)
        unit = _ONE / np.sqrt(tx * tx + ty * ty + np.float32(1e-12))
        work[_TX, x] = tx * unit
        work[_TY, x] = ty * unit


@numba.njit(**_fast)
def _dirt_row(work, count, detail, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """TONE: factor of light; ROUGH: factor of roughness; SCRATCH: extra highlight; RUST: share; FINE: its texture."""
    work[_TONE, :count] = _ONE
    work[_ROUGH, :count] = _ONE
    work[_SCRATCH : _FINE + 1, :count] = _ZERO
    if s.brushing != NONE and s.streaks > _ZERO:
        for x in range(count):
            line = _texel(work[_ALONG, x]), _texel(work[_ACROSS, x])
            work[_TONE, x] += s.streaks * _level(detail[STREAKS, line[1], line[0]])
    if s.grain > _ZERO:
        for x in range(count):
            at = _texel(work[_X, x] * _FINE_PER_MM + s.shift_x), _texel(work[_Y, x] * _FINE_PER_MM + s.shift_y)
            work[_TONE, x] += s.grain * _level(detail[GRAIN, at[1], at[0]])
    if s.spangle > _ZERO:
        for x in range(count):
            at = _texel(work[_X, x] * _FINE_PER_MM + s.shift_x), _texel(work[_Y, x] * _FINE_PER_MM + s.shift_y)
            work[_TONE, x] += s.spangle * _level(detail[SPANGLE, at[1], at[0]])
    if s.stains > _ZERO:
        for x in range(count):
            at = _texel(work[_X, x] * _BLOTCH_PER_MM + s.shift_y), _texel(work[_Y, x] * _BLOTCH_PER_MM + s.shift_x)
            blotch = _level(detail[GRUNGE, at[1], at[0]])
            work[_TONE, x] *= _ONE - s.stains * np.float32(0.6) * _unit(_TWO * blotch)
            work[_ROUGH, x] += s.stains * blotch
    if s.scratches > _ZERO:
        for x in range(count):
            at = _texel(work[_X, x] * _FINE_PER_MM + s.shift_y), _texel(work[_Y, x] * _FINE_PER_MM + s.shift_x)
            work[_SCRATCH, x] = s.scratches * np.float32(0.3) * (_level(detail[SCRATCHES, at[1], at[0]]) + _ONE)
    if s.rust > _ZERO:
        for x in range(count):
            at = _texel(work[_X, x] * _SIX + s.shift_x), _texel(work[_Y, x] * _SIX + s.shift_y)
            fine = _level(detail[GRUNGE, at[1], at[0]]) + np.float32(0.3) * _level(detail[GRAIN, at[1], at[0]])
            work[_FINE, x] = fine
            work[_RUST, x] = _unit((fine - _ONE + _TWO * s.rust) * _FOUR)


@numba.njit(**_fast)
def _texel(at):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Wrapped index of a texture coordinate above -65536."""
    return np.int32(at + _POSITIVE) & _WRAP


@numba.njit(**_fast)
def _level(value):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A byte of the detail pool as -1..1."""
    return np.float32(value) * np.float32(1 / 128) - _ONE


@numba.njit(**_fast)
def _light_row(work, count, du, dv, tints, s, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """B, G, R: light sent to the camera; DB, DG, DR: irradiance over pi. `du`, `dv`: first pixel from the middle, px."""
    for x in range(count):
        nx, ny, tx, ty = work[_NX, x], work[_NY, x], work[_TX, x], work[_TY, x]
        steep = nx * nx + ny * ny
        tilt = _unit(_TWO * np.sqrt(steep))
        upright = _ONE / np.sqrt(_ONE + steep)
        along, across = s.along * work[_ROUGH, x] + work[_BLUR, x], s.across * work[_ROUGH, x] + work[_BLUR, x]
        db, dg, dr = sky[0, 0], sky[0, 1], sky[0, 2]
        mb = sky[1, 0] + (sky[2, 0] - sky[1, 0]) * tilt
        mg = sky[1, 1] + (sky[2, 1] - sky[1, 1]) * tilt
        mr = sky[1, 2] + (sky[2, 2] - sky[1, 2]) * tilt
        u = np.float32(x) + du
        for k in range(len(lamps)):
            hx = lamps[k, 6] + lamps[k, 8] * u + lamps[k, 10] * dv - nx
            hy = lamps[k, 7] + lamps[k, 9] * u + lamps[k, 11] * dv - ny
            a, b = along + lamps[k, 12], across + lamps[k, 12]
            p, q, both = (hx * tx + hy * ty) * b, (hx * ty - hy * tx) * a, a * b
            spread = both * both + p * p + q * q
            shine = _QUARTER * both * both * both / (spread * spread) + work[_SCRATCH, x]
            faced = max(_ZERO, (lamps[k, 5] + nx * lamps[k, 3] + ny * lamps[k, 4]) * upright)
            db += lamps[k, 0] * faced
            dg += lamps[k, 1] * faced
            dr += lamps[k, 2] * faced
            mb += lamps[k, 0] * shine
            mg += lamps[k, 1] * shine
            mr += lamps[k, 2] * shine
        work[_B, x], work[_DB, x] = tints[0, 0] * db + tints[1, 0] * mb, db
        work[_G, x], work[_DG, x] = tints[0, 1] * dg + tints[1, 1] * mg, dg
        work[_R, x], work[_DR, x] = tints[0, 2] * dr + tints[1, 2] * mr, dr


@numba.njit(**_fast)
def _finish_row(work, count, mm, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tone, heat tint at the edges, and rust."""
    for x in range(count):
        heat = s.heat * _unit(_ONE - mm[x] * np.float32(0.67))
        work[_B, x] *= work[_TONE, x] * (_ONE + heat * np.float32(0.25))
        work[_G, x] *= work[_TONE, x] * (_ONE - heat * np.float32(0.15))
        work[_R, x] *= work[_TONE, x] * (_ONE - heat * np.float32(0.25))
    if s.rust > _ZERO:
        for x in range(count):
            share, dirt = work[_RUST, x], _ONE + _HALF * work[_FINE, x]
            work[_B, x] += share * (np.float32(0.02) * dirt * work[_DB, x] - work[_B, x])
            work[_G, x] += share * (np.float32(0.06) * dirt * work[_DG, x] - work[_G, x])
            work[_R, x] += share * (np.float32(0.16) * dirt * work[_DR, x] - work[_R, x])


@numba.njit(**_fast)
def _wall_row(work, count, all_mm, top_mm, row, first, scale, tints, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blend side walls under the top face: level with the table, lit from the side, mirroring the horizon."""
    above, below, face = all_mm[row - 1, first:], all_mm[row + 1, first:], top_mm[row, first:]
    west, east = all_mm[row, first - 1 :], all_mm[row, first + 1 :]
    for x in range(count):
        on_top = _unit(face[x] * scale + _HALF)
        if on_top == _ONE:
            continue
        gx, gy = east[x] - west[x], above[x] - below[x]
        shrink = -_ONE / max(np.float32(1e-6), np.sqrt(gx * gx + gy * gy))
        for c in range(3):
            light = np.float32(0.35) * sky[0, c]
            for k in range(len(lamps)):
                light += lamps[k, c] * max(_ZERO, (gx * lamps[k, 3] + gy * lamps[k, 4]) * shrink)
            wall = tints[0, c] * light + tints[1, c] * (np.float32(0.4) * sky[2, c] + _QUARTER * light)
            work[_B + c, x] = wall + (work[_B + c, x] - wall) * on_top


@numba.njit(**_fast)
def _blend_row(work, count, out, ids, key, mm, scale, visible):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lay the row over the picture, by coverage, and keep count of each id's pixels."""
    for x in range(count):
        cover = _unit(mm[x] * scale + _HALF)
        for c in range(3):
            out[x, c] += (work[_B + c, x] - out[x, c]) * cover
        if cover >= _HALF:
            visible[ids[x]] -= 1
            visible[key] += 1
            ids[x] = key


@numba.njit(**_fast)
def expose(light, gains, fall, well, read, noise, seed, curve, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sensor values from light: vignetting, gains BGR, shot and read noise, clipping to 12 bits, curve.

    Args:
        light: (H, W, 3) float32.
        gains: (3,) float32.
        fall: vignetting at the corner, 0..1, falling with the squared radius.
        well: electrons at full scale; read: read noise in electrons; both float32.
        noise: standard normal pool, float32; seed: where the rows start in it.
        curve: (4096,) what is written for each of the 12-bit values.
        out: (H, W, 3) of the curve's type, written.
    """
    height, width = light.shape[:2]
    cy, cx = np.float32(height - 1) * _HALF, np.float32(width - 1) * _HALF
    per_radius = fall / (cx * cx + cy * cy)
    shot, floor = _ONE / well, (read / well) * (read / well)
    across = np.empty(3 * width, np.float32)
    gain = np.empty(3 * width, np.float32)
    codes = np.empty(3 * width, np.int32)
    for x in range(width):
        for c in range(3):
            across[3 * x + c] = per_radius * (np.float32(x) - cx) * (np.float32(x) - cx)
            gain[3 * x + c] = gains[c]
    room = len(noise) - 3 * width
    for y in range(height):
        grain = noise[(seed + y * 7919) % room :]
        down = _ONE - per_radius * (np.float32(y) - cy) * (np.float32(y) - cy)
        row, target = light[y].reshape(-1), out[y].reshape(-1)
        for k in range(3 * width):
            value = max(_ZERO, row[k] * gain[k] * (down - across[k]))
            value += grain[k] * np.sqrt(value * shot + floor)
            codes[k] = np.int32(_unit(value) * np.float32(4095) + _HALF)
        for k in range(3 * width):
            target[k] = curve[codes[k]]


@numba.njit(**_fast)
def mosaic(raw, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Keep one channel a pixel in the order RG/GB: raw (H, W, 3) B, G, R, out (H, W)."""
    for y in range(raw.shape[0]):
        for x in range(raw.shape[1]):
            out[y, x] = raw[y, x, 2 - (y & 1) - (x & 1)]


@numba.njit(**_fast)
def develop(raw, curve, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look 12-bit values up in a curve of 4096 bytes."""
    codes, target = raw.reshape(-1), out.reshape(-1)
    for k in range(len(codes)):
        target[k] = curve[min(4095, codes[k])]
