"""The inner loops of the renderer, compiled by numba: light on a table, one part over it, shadows, sensor.

All light is linear, float32, channels B, G, R. Slopes are (x, y) in the plane's frame (x right, y up), pictures have v down.
The microfacet term is an anisotropic GGX distribution of slopes (Walter et al. 2007; Burley 2012), evaluated at the
difference between the half vector's slope and the surface's; masking and Fresnel's rise at grazing angles are left out,
because the camera looks down on the parts.
"""

import numba
import numpy as np

from kontur.data_preprocessing.surfaces import STRAIGHT
from kontur.data_preprocessing.textures import DETAIL_SIZE, GRAIN, GRUNGE, NOISE_LENGTH, SCRATCHES, SPANGLE, STREAKS

_WRAP = DETAIL_SIZE - 1
_NOISE_WRAP = NOISE_LENGTH - 1
_RUST = (0.02, 0.06, 0.16)
_HEAT = (1.25, 0.85, 0.75)
_DETAIL_PER_MM = np.float32(3.0)

_fast = {"cache": True, "nogil": True, "fastmath": True}


@numba.njit(**_fast)
def light_table(out, pattern, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write table light: out[y, x, c] = tones[c, pattern[y, x]] * light[y, x, c]."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            level = pattern[y, x]
            for c in range(3):
                out[y, x, c] = tones[c, level] * light[y, x, c]


@numba.njit(**_fast)
def light_picture(out, picture, tones, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The same for a colour picture: out[y, x, c] = tones[c, picture[y, x, c]] * light[y, x, c]."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for c in range(3):
                out[y, x, c] = tones[c, picture[y, x, c]] * light[y, x, c]


@numba.njit(**_fast)
def cast_shadow(out, covers, shares, left, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Darken `out` where lamps are hidden: covers (L, h, w) uint8, shares (L, 3) of the light that each lamp brings."""
    count, height, width = covers.shape
    for row in range(max(0, -top), min(height, out.shape[0] - top)):
        for column in range(max(0, -left), min(width, out.shape[1] - left)):
            b = g = r = np.float32(1.0)
            for k in range(count):
                hidden = covers[k, row, column] * np.float32(1 / 255)
                b -= shares[k, 0] * hidden
                g -= shares[k, 1] * hidden
                r -= shares[k, 2] * hidden
            out[row + top, column + left, 0] *= b
            out[row + top, column + left, 1] *= g
            out[row + top, column + left, 2] *= r


@numba.njit(**_fast)
def coverage(distance, scale, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write coverage 0..255 from signed distance (mm) and scale (px/mm)."""
    for row in range(distance.shape[0]):
        for column in range(distance.shape[1]):
            value = distance[row, column] * scale + np.float32(0.5)
            out[row, column] = np.uint8(min(np.float32(1.0), max(np.float32(0.0), value)) * 255 + np.float32(0.5))


@numba.njit(inline="always", **_fast)
def _detail(pool, row, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Texture value -1..1 at texel (x, y), wrapped."""
    return pool[row, int(np.floor(y)) & _WRAP, int(np.floor(x)) & _WRAP] * np.float32(1 / 128) - np.float32(1)


@numba.njit(inline="always", **_fast)
def _facets(hx, hy, tx, ty, along, across):  # type: ignore[no-untyped-def]  # pragma: no cover
    """GGX density of the slope (hx, hy); (tx, ty) is the direction of brushing."""
    a = (hx * tx + hy * ty) / along
    b = (hx * ty - hy * tx) / across
    return 1 / (np.float32(np.pi) * along * across * (1 + a * a + b * b) ** 2)


@numba.njit(**_fast)
def draw_part(  # type: ignore[no-untyped-def]
    out, ids, key, top_mm, all_mm, left, top, to_mm, scale, surface, lamps, sky, detail, bevel_mm
):  # pragma: no cover
    """Draw one part over `out` and `ids`.

    Args:
        out, ids: (H, W, 3) float32 light and (H, W) uint8 id map, changed in place.
        key: the id to write where at least half a pixel is covered.
        top_mm, all_mm: (h, w) float32 signed distance (mm) to the top face's outline and to the silhouette's with walls.
        left, top: where element [0, 0] lies in the picture; may lie outside it.
        to_mm: (2, 3) from (column, row, 1) to the part's frame, mm.
        scale: px/mm.
        surface: what it is made of.
        lamps: (L, 13) float32: irradiance over pi BGR, direction xyz, half-vector slope xy at the middle, its change per
            column xy and per row xy, a quarter of the lamp's angular radius.
        sky: (3, 3) float32: diffuse sky BGR; what a mirror sees overhead; what it sees towards the horizon.
        detail: (5, 512, 512) uint8 detail pool.
        bevel_mm: width of the bevel.

    Returns:
        pixels that it covers alone, inside the picture or not.
    """
    height, width = top_mm.shape
    whole = 0
    colour = np.empty(3, np.float32)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            cover = all_mm[row, column] * scale + np.float32(0.5)
            if cover <= 0:
                continue
            whole += cover >= np.float32(0.5)
            y, x = row + top, column + left
            if y < 0 or x < 0 or y >= out.shape[0] or x >= out.shape[1]:
                continue
            on_top = min(np.float32(1), max(np.float32(0), top_mm[row, column] * scale + np.float32(0.5)))
            if on_top > 0:
                _shade_top(
                    colour, row, column, top_mm, to_mm, scale, surface, lamps, sky, detail, bevel_mm,
                    column - width * np.float32(0.5), row - height * np.float32(0.5),
                )  # fmt: skip
            else:
                colour[:] = 0
            if on_top < 1:
                _shade_wall(colour, on_top, all_mm, row, column, surface, lamps, sky)
            cover = min(np.float32(1), cover)
            for c in range(3):
                out[y, x, c] += (colour[c] - out[y, x, c]) * cover
            if cover >= np.float32(0.5):
                ids[y, x] = key
    return whole


@numba.njit(**_fast)
def _shade_wall(colour, on_top, all_mm, row, column, surface, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blend the light of a side wall under what `colour` already holds of the top face."""
    gx = all_mm[row, column + 1] - all_mm[row, column - 1]
    gy = all_mm[row - 1, column] - all_mm[row + 1, column]
    length = max(np.float32(1e-6), np.sqrt(gx * gx + gy * gy))
    nx, ny = -gx / length, -gy / length
    for c in range(3):
        light = np.float32(0.35) * sky[0, c]
        for k in range(len(lamps)):
            light += lamps[k, c] * max(np.float32(0), nx * lamps[k, 3] + ny * lamps[k, 4])
        mirror = np.float32(0.4) * sky[2, c] + np.float32(0.25) * light
        wall = surface.diffuse[c] * light + surface.specular[c] * mirror
        colour[c] = colour[c] * on_top + wall * (1 - on_top)


@numba.njit(**_fast)
def _shade_top(  # type: ignore[no-untyped-def]
    colour, row, column, top_mm, to_mm, scale, s, lamps, sky, detail, bevel_mm, du, dv
):  # pragma: no cover
    """Write the light of one pixel of the top face."""
    depth = top_mm[row, column]
    nx = ny = blur = np.float32(0)
    if depth < bevel_mm:
        blur = min(np.float32(0.5), np.float32(0.45) / (bevel_mm * scale))  # the slope's change within a pixel
        gain = scale * (1 - max(np.float32(0), depth) / bevel_mm) * np.float32(0.45)
        nx = (top_mm[row, column - 1] - top_mm[row, column + 1]) * gain
        ny = (top_mm[row + 1, column] - top_mm[row - 1, column]) * gain
    x = to_mm[0, 0] * column + to_mm[0, 1] * row + to_mm[0, 2]
    y = to_mm[1, 0] * column + to_mm[1, 1] * row + to_mm[1, 2]
    px, py = x * _DETAIL_PER_MM + s.offset[0], y * _DETAIL_PER_MM + s.offset[1]
    tx, ty, line = _brush(x, y, to_mm, s, detail)
    tone = 1 + s.streaks * np.float32(0.35) * line + s.grain * _detail(detail, GRAIN, px, py)
    if s.spangle > 0:
        tone += s.spangle * _detail(detail, SPANGLE, px, py)
    blotch = _detail(detail, GRUNGE, px * np.float32(0.5), py * np.float32(0.5))
    tone *= 1 - s.stains * np.float32(0.6) * min(np.float32(1), max(np.float32(0), blotch * 2))
    rough = 1 + s.stains * blotch
    scratch = s.scratches * max(np.float32(0), _detail(detail, SCRATCHES, px, py) + np.float32(1))
    heat = s.heat * max(np.float32(0), 1 - depth / np.float32(1.5))
    fine = _detail(detail, GRUNGE, px * np.float32(1.7), py * np.float32(1.7)) + np.float32(0.3) * _detail(
        detail, GRAIN, px, py
    )
    rust = min(np.float32(1), max(np.float32(0), (fine - 1 + 2 * s.rust) * 4)) if s.rust > 0 else np.float32(0)
    _gather(colour, nx, ny, tx, ty, s, lamps, sky, rough, blur, du, dv, scratch)
    for c in range(3):
        light = colour[c] * tone * (1 + heat * np.float32(_HEAT[c] - 1))
        if rust > 0:
            light += rust * (_RUST[c] * (1 + np.float32(0.5) * fine) * _irradiance(nx, ny, lamps, sky, c) - light)
        colour[c] = light


@numba.njit(inline="always", **_fast)
def _irradiance(nx, ny, lamps, sky, c):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Irradiance over pi on the slope (nx, ny)."""
    total = sky[0, c]
    unit = 1 / np.sqrt(1 + nx * nx + ny * ny)
    for k in range(len(lamps)):
        total += lamps[k, c] * max(np.float32(0), (lamps[k, 5] + nx * lamps[k, 3] + ny * lamps[k, 4]) * unit)
    return total


@numba.njit(inline="always", **_fast)
def _brush(x, y, to_mm, s, detail):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Direction of brushing in the plane's frame, and the streak texture's value there."""
    if s.brushing == 0:
        return np.float32(1), np.float32(0), np.float32(0)
    if s.brushing == STRAIGHT:
        bx, by = np.cos(s.brush_rad), np.sin(s.brush_rad)
        line = _detail(detail, STREAKS, (x * bx + y * by) * 2 + s.offset[0], (y * bx - x * by) * 6 + s.offset[1])
    else:
        rx, ry = x - s.centre_mm[0], y - s.centre_mm[1]
        radius = np.sqrt(rx * rx + ry * ry) + np.float32(1e-3)
        bx, by = -ry / radius, rx / radius
        line = _detail(detail, STREAKS, np.arctan2(ry, rx) * 40 + s.offset[0], radius * 6 + s.offset[1])
    tx = to_mm[0, 0] * bx + to_mm[1, 0] * by
    ty = -(to_mm[0, 1] * bx + to_mm[1, 1] * by)
    unit = 1 / np.sqrt(tx * tx + ty * ty)
    return tx * unit, ty * unit, line


@numba.njit(**_fast)
def _gather(colour, nx, ny, tx, ty, s, lamps, sky, rough, blur, du, dv, scratch):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum the lamps' and the sky's light on one point into `colour`."""
    along, across = np.float32(s.along) * rough + blur, np.float32(s.across) * rough + blur
    tilt = min(np.float32(1), 2 * np.sqrt(nx * nx + ny * ny))
    unit = 1 / np.sqrt(1 + nx * nx + ny * ny)
    for c in range(3):
        mirror = sky[1, c] + (sky[2, c] - sky[1, c]) * tilt
        colour[c] = s.diffuse[c] * sky[0, c] + s.specular[c] * mirror
    for k in range(len(lamps)):
        hx = lamps[k, 6] + lamps[k, 8] * du + lamps[k, 10] * dv - nx
        hy = lamps[k, 7] + lamps[k, 9] * du + lamps[k, 11] * dv - ny
        size = lamps[k, 12]
        shine = _facets(hx, hy, tx, ty, along + size, across + size) * np.float32(0.785)
        shine += scratch * np.float32(0.3)
        faced = max(np.float32(0), (lamps[k, 5] + nx * lamps[k, 3] + ny * lamps[k, 4]) * unit)
        for c in range(3):
            colour[c] += lamps[k, c] * (s.diffuse[c] * faced + s.specular[c] * shine)


@numba.njit(**_fast)
def expose(light, gains, fall, well, read, noise, seed, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sensor values 0..4095 from light: vignetting, gains BGR, shot and read noise, clipping.

    Args:
        light: (H, W, 3) float32.
        gains: (3,) float32.
        fall: vignetting at the corner, 0..1, falling with the squared radius.
        well: electrons at full scale; read: read noise in electrons.
        noise: standard normal pool; seed: where each row starts in it.
        out: (H, W, 3) uint16, written.
    """
    height, width = light.shape[:2]
    cy, cx = (height - 1) * np.float32(0.5), (width - 1) * np.float32(0.5)
    per_radius = fall / (cx * cx + cy * cy)
    floor = (read / well) ** 2
    for y in range(height):
        at = (seed + y * 7919) & _NOISE_WRAP
        for x in range(width):
            dim = 1 - per_radius * ((x - cx) * (x - cx) + (y - cy) * (y - cy))
            for c in range(3):
                value = light[y, x, c] * gains[c] * dim
                value += noise[at] * np.sqrt(max(np.float32(0), value) / well + floor)
                at = (at + 1) & _NOISE_WRAP
                out[y, x, c] = np.uint16(min(np.float32(1), max(np.float32(0), value)) * 4095 + np.float32(0.5))


@numba.njit(**_fast)
def mosaic(raw, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Keep one channel a pixel in the order RG/GB: raw (H, W, 3) B, G, R, out (H, W)."""
    for y in range(raw.shape[0]):
        for x in range(raw.shape[1]):
            out[y, x] = raw[y, x, 2 - (y & 1) - (x & 1)]


@numba.njit(**_fast)
def develop(raw, curve, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look 12-bit values up in a curve of 4096 bytes."""
    for y in range(raw.shape[0]):
        for x in range(raw.shape[1]):
            for c in range(3):
                out[y, x, c] = curve[min(4095, raw[y, x, c])]
