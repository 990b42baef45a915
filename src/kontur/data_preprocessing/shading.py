"""What a block of a thing sends to the camera: its top face under lamps and sky, and its side walls.

All light is linear. The microfacet term is an anisotropic GGX distribution of slopes (Walter et al. 2007; Burley 2012),
evaluated at the difference between the half vector's slope and the surface's; masking and Fresnel's rise at grazing angles
are left out, because the camera looks down on the parts.
"""

import numba
import numpy as np

from kontur.data_preprocessing.blocks import (
    ALL,
    ALL_X,
    ALL_Y,
    BLOCK,
    CHANGE,
    COLUMN,
    DIRT,
    FX,
    FY,
    LIT,
    MM,
    NX,
    NY,
    ROUGH,
    ROW,
    RUST,
    SCRATCH,
    SENT,
    TONE,
    TX,
    TY,
    UPRIGHT,
)  # fmt: skip
from kontur.data_preprocessing.compiled import INNER
from kontur.data_preprocessing.relief import clip_unit

_ZERO, _QUARTER, _HALF, _ONE, _TWO, _FOUR = (np.float32(value) for value in (0, 0.25, 0.5, 1, 2, 4))
_FILM = np.float32(1.6)
"""Mean thickness of an oil film, in orders of interference of green light."""
_TINY = np.float32(1e-6)
HEATED_MM = np.float32(1.5)
"""Width of the tint that a laser's cut leaves."""


@numba.njit(**INNER)
def light_block(work, u, v, s, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """LIT and SENT (a perfect mirror's). `u`, `v`: float32, first pixel from the window's middle, px."""
    _sky_block(work, u, v, sky)
    for k in range(len(lamps)):
        _lamp_block(work, u, v, s, lamps[k])


@numba.njit(**INNER)
def _sky_block(work, u, v, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    ax, bx, ay, by = sky[5, 1], sky[5, 2], sky[6, 1], sky[6, 2]
    x0, y0 = sky[5, 0] + ax * u + bx * v, sky[6, 0] + ay * u + by * v
    for k in range(BLOCK):
        nx = work[NX + k] - (x0 + ax * COLUMN[k] + bx * ROW[k])
        ny = work[NY + k] - (y0 + ay * COLUMN[k] + by * ROW[k])
        work[FX + k], work[FY + k] = nx, ny
        work[LIT + k] = min(_ONE, _TWO * np.sqrt(nx * nx + ny * ny))
    for c in range(3):
        overhead, level, right, up = sky[1, c], sky[2, c] - sky[1, c], sky[3, c], sky[4, c]
        sent = SENT + c * BLOCK
        for k in range(BLOCK):
            seen = overhead + level * work[LIT + k] + work[FX + k] * right + work[FY + k] * up
            work[sent + k] = max(_ZERO, seen)
    for c in range(3):
        level, lit = sky[0, c], LIT + c * BLOCK
        for k in range(BLOCK):
            work[lit + k] = level


@numba.njit(**INNER)
def _lamp_block(work, u, v, s, lamp):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add a lamp to LIT and SENT."""
    blue, green, red, lx, ly, lz = lamp[0], lamp[1], lamp[2], lamp[3], lamp[4], lamp[5]
    hx0, hy0 = lamp[6] + lamp[8] * u + lamp[10] * v, lamp[7] + lamp[9] * u + lamp[11] * v
    along, across, blur = s.along, s.across, lamp[12]
    for k in range(BLOCK):
        nx, ny, tx, ty = work[NX + k], work[NY + k], work[TX + k], work[TY + k]
        rough, more = work[ROUGH + k], work[CHANGE + k] + blur
        hx = hx0 + lamp[8] * COLUMN[k] + lamp[10] * ROW[k] - nx
        hy = hy0 + lamp[9] * COLUMN[k] + lamp[11] * ROW[k] - ny
        a, b = along * rough + more, across * rough + more
        p, q, both = (hx * tx + hy * ty) * b, (hx * ty - hy * tx) * a, a * b
        spread = both * both + p * p + q * q
        shine = _QUARTER * both * both * both / (spread * spread) + work[SCRATCH + k]
        faced = max(_ZERO, (lz + nx * lx + ny * ly) * work[UPRIGHT + k])
        work[LIT + k] += blue * faced
        work[LIT + BLOCK + k] += green * faced
        work[LIT + 2 * BLOCK + k] += red * faced
        work[SENT + k] += blue * shine
        work[SENT + BLOCK + k] += green * shine
        work[SENT + 2 * BLOCK + k] += red * shine


@numba.njit(**INNER)
def oil_block(work, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tint the mirror by the interference of a film that is thicker where there is dirt, and darken what lies under it."""
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        per_film = (np.float32(1.2), np.float32(1.0), np.float32(0.86))[c]
        for k in range(BLOCK):
            amount = s.oil * clip_unit(_HALF + work[DIRT + k])
            order = (_FILM + work[DIRT + k]) * per_film
            ramp = _FOUR * abs(order - np.floor(order) - _HALF) - _ONE  # -1..1, from there to a cosine of the order
            work[sent + k] *= _ONE + amount * ramp * (np.float32(0.9) - np.float32(0.3) * ramp * ramp)
            work[lit + k] *= _ONE - _QUARTER * amount


@numba.njit(**INNER)
def send_block(work, tints, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """SENT: the material's answer, with tone, heat tint at the edges, and rust."""
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        diffuse, specular = tints[0, c], tints[1, c]
        heat = s.heat * (np.float32(0.25), np.float32(-0.15), np.float32(-0.25))[c]
        rust = (np.float32(0.02), np.float32(0.06), np.float32(0.16))[c]
        for k in range(BLOCK):
            edge = clip_unit(_ONE - work[MM + k] / HEATED_MM)
            level = diffuse * work[lit + k] + specular * work[sent + k]
            level *= work[TONE + k] * (_ONE + heat * edge)
            rusty = rust * (_ONE + _HALF * work[DIRT + k]) * work[lit + k]
            work[sent + k] = level + work[RUST + k] * (rusty - level)


@numba.njit(**INNER)
def wall_block(work, scale, lean, turn, tints, lamps, sky):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Blend in walls where they show beside the top face: level with the table, lit from the side, mirroring the horizon,
    and darker towards the foot, where less of the sky is seen. `lean`: greatest width of a wall, px.

    Uses LIT for the light on the walls, and FX and FY: their direction, then the top face's share and the light that
    the depth leaves.
    """
    for c in range(3):
        level = np.float32(0.35) * sky[0, c]
        for k in range(BLOCK):
            work[LIT + c * BLOCK + k] = level
    a, b, c, d = turn[0, 0], turn[1, 0], turn[0, 1], turn[1, 1]
    for k in range(BLOCK):
        gx, gy = work[ALL_X + k], work[ALL_Y + k]
        right, up = gx * a + gy * b, -(gx * c + gy * d)
        outwards = -_ONE / np.sqrt(right * right + up * up + _TINY)
        work[FX + k], work[FY + k] = right * outwards, up * outwards
    for n in range(len(lamps)):
        blue, green, red, lx, ly = lamps[n, 0], lamps[n, 1], lamps[n, 2], lamps[n, 3], lamps[n, 4]
        for k in range(BLOCK):
            faced = max(_ZERO, work[FX + k] * lx + work[FY + k] * ly)
            work[LIT + k] += blue * faced
            work[LIT + BLOCK + k] += green * faced
            work[LIT + 2 * BLOCK + k] += red * faced
    for k in range(BLOCK):
        covered = clip_unit(work[ALL + k] * scale + _HALF)
        work[FX + k] = min(_ONE, clip_unit(work[MM + k] * scale + _HALF) / max(_TINY, covered))
        work[FY + k] = _ONE - _HALF * clip_unit(-work[MM + k] * scale / max(_ONE, lean))
    for c in range(3):
        lit, sent = LIT + c * BLOCK, SENT + c * BLOCK
        diffuse, specular, mirrored = tints[0, c], tints[1, c], np.float32(0.4) * sky[2, c]
        for k in range(BLOCK):
            light = work[lit + k] * work[FY + k]
            wall = diffuse * light + specular * (mirrored * work[FY + k] + _QUARTER * light)
            work[sent + k] = wall + (work[sent + k] - wall) * work[FX + k]
