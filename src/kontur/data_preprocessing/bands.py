"""Composing a picture's light band by band: a band's table, shadows and things are all drawn while it is in the fast cache.

A whole picture in linear light is five megabytes, more than a core's own cache: drawn thing by thing over all of it, most of
the time would pass waiting for memory that the cores share.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kontur.data_preprocessing.addresses import pointer
from kontur.data_preprocessing.blocks import BLOCK, ROWS, TILE, WHOLES
from kontur.data_preprocessing.compiled import BARE_ENTRY, FOLDED, MAKER, room_for
from kontur.data_preprocessing.halves import write_line
from kontur.data_preprocessing.shadows import cast_rows, look_up, shadow_room
from kontur.data_preprocessing.surfaces import texture_of
from kontur.data_preprocessing.table import Ground, fetch_ahead, fill_ground
from kontur.data_preprocessing.tiles import draw_rows

BAND = 4 * TILE
"""Rows of a band: at 640 px across, its light takes a quarter of a megabyte."""

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class Things(NamedTuple):
    """What is drawn, bottom to top: arrays with a row for each thing; see `tiles.draw_thing` for what they mean.

    Attributes:
        keys: (n,) ids to write.
        templates: (n, 3) address, rows and columns of each packed template, which must be kept alive.
        maps: (slices, 9) of all things, one after the other; ends: (n + 1,) where each one's begin and end.
        windows: (n, 4) left, top, width, height, px, all multiples of TILE.
        middles: (n, 2) of the thing in its window, px.
        leans, scales, bevels_mm: (n,); to_mm: (n, 2, 3); turns: (n, 2, 2); tints: (n, 2, 3).
        surfaces: (n, fields of a Texture).
        lamps: (n, L, 13); skies: (n, 7, 3).
    """

    keys: NDArray[np.uint8]
    templates: Whole
    maps: Floats
    ends: Whole
    windows: Whole
    middles: Floats
    leans: Floats
    scales: Floats
    bevels_mm: Floats
    to_mm: Floats
    turns: Floats
    tints: Floats
    surfaces: Floats
    lamps: Floats
    skies: Floats


class Casts(NamedTuple):
    """The things' shadows: arrays with a row for each thing; see `shadows.cast_shadows` for what they mean.

    Attributes:
        templates: (n, 3) as for `Things`; maps: (n, 9) from a shadow's window to them.
        windows: (n, 4) left, top (px), columns, rows (elements).
        scales: (n,) elements to the millimetre.
        shifts: (2, n, L + 1, 2); softness: (2, n, L + 1): on what lies right below, and on what lies farther below.
        catches: (2, n, 256) which ids those are.
        falls_far: (n,) whether there is anything farther below.
        shares: (L + 1, 3).
    """

    templates: Whole
    maps: Floats
    windows: Whole
    scales: Floats
    shifts: Whole
    softness: Floats
    catches: Floats
    falls_far: NDArray[np.bool_]
    shares: Floats


class Room(NamedTuple):
    """Memory for composing.

    Attributes:
        light: (3, BAND, W) float32, flat.
        spans, distances: where each shadow's distances begin and end, and the distances of all of them, mm.
        work, whole: rows of `blocks`.
        shadow: see `shadows.shadow_room`.
    """

    light: Floats
    spans: Whole
    distances: Floats
    work: Floats
    whole: NDArray[np.int32]
    shadow: Floats


def compose(
    light: Floats | NDArray[np.uint16],
    ids: NDArray[np.uint8],
    ground: Ground,
    things: Things,
    casts: Casts,
    texels: NDArray[np.int32],
    streaks: NDArray[np.uint8],
) -> Whole:
    """Write a picture's light, before lens and sensor, and what lies where.

    Args:
        light: (3, H, W) float32, or uint16 for packed light, see `halves`; written.
        ids: (H, W) uint8, written: the key of what is seen, 0 for the table.
        ground: the table.
        things, casts: what lies on it, and its shadows.
        texels, streaks: see `relief.texture_block`.

    Returns:
        (n,) int64 pixels that each thing would cover alone in an unbounded picture.
    """
    covered = np.zeros(len(things.keys), np.int64)
    _compose(light, ids, ground, things, casts, texels, streaks, _room(light.shape[2], casts), covered)
    return covered


def _room(width: int, casts: Casts) -> Room:
    _, _, columns, rows = casts.windows.T
    spans = np.append(0, np.cumsum(columns * rows))
    shadow = shadow_room(BAND, int(columns.max(initial=0)), len(casts.shares))
    return Room(
        room_for(3 * BAND * width, np.float32), spans, room_for(int(spans[-1]), np.float32),
        room_for(ROWS * BLOCK, np.float32), room_for(WHOLES * BLOCK, np.int32), room_for(shadow, np.float32),
    )  # fmt: skip


@numba.njit(**BARE_ENTRY)
def _compose(  # type: ignore[no-untyped-def]
    light, ids, ground, things, casts, texels, streaks, room, covered
):  # pragma: no cover
    fetch_ahead(ground, room.work)
    _measure(casts, room)
    _count_beyond(things, ids, room, texels, streaks, covered)
    for first in range(0, light.shape[1], BAND):
        _compose_band(light, ids, ground, things, casts, texels, streaks, first, room, covered)


@numba.njit(**FOLDED)
def _measure(casts, room):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill in the distances of all shadows."""
    for n in range(len(casts.scales)):
        columns, rows = casts.windows[n, 2], casts.windows[n, 3]
        out = room.distances[room.spans[n] : room.spans[n + 1]].reshape((rows, columns))
        look_up(out, _template(casts.templates[n]), casts.maps[n], room.work, room.whole)


@numba.njit(**FOLDED)
def _count_beyond(things, ids, room, texels, streaks, covered):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Count what the things cover above and below the picture."""
    height, width = ids.shape
    nowhere, nobody = room.light[:0].reshape((3, 0, width)), ids[:0]
    for n in range(len(covered)):
        top, tall = things.windows[n, 1], things.windows[n, 3]
        below = max(0, -(-height // TILE) * TILE - top)
        covered[n] += _draw(nowhere, nobody, things, n, 0, 0, min(tall, max(0, -top)), texels, streaks, room)
        covered[n] += _draw(nowhere, nobody, things, n, 0, below, tall, texels, streaks, room)


@numba.njit(**FOLDED)
def _compose_band(  # type: ignore[no-untyped-def]
    light, ids, ground, things, casts, texels, streaks, first, room, covered
):  # pragma: no cover
    _, height, width = light.shape
    rows = min(BAND, height - first)
    out = room.light[: 3 * rows * width].reshape((3, rows, width))
    here = ids[first : first + rows]
    fill_ground(out, ground, first, height, room.work, room.whole)
    here[:] = 0
    for n in range(len(covered)):
        _cast(out, here, casts, n, first, room)
        top, tall = things.windows[n, 1], things.windows[n, 3]
        begin, end = max(0, first - top), min(tall, first + BAND - top)
        if begin < end:
            covered[n] += _draw(out, here, things, n, first, begin, end, texels, streaks, room)
    for c in range(3):
        for y in range(rows):
            write_line(light[c, first + y], out[c, y])


@numba.njit(**MAKER)
def _template(place):  # type: ignore[no-untyped-def]  # pragma: no cover
    return numba.carray(pointer(place[0]), (place[1], place[2]), np.int32)


@numba.njit(**FOLDED)
def _cast(out, ids, casts, n, first, room):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Darken a band whose first row is `first` around thing `n`."""
    left, top, columns, rows = casts.windows[n]
    if top >= first + out.shape[1] or top + 2 * rows <= first:
        return
    mm = room.distances[room.spans[n] : room.spans[n + 1]].reshape((rows, columns))
    for far in range(1 + casts.falls_far[n]):
        catches = casts.catches[far, n] if casts.falls_far[n] else casts.catches[0, n, :0]
        cast_rows(
            out, mm, left, top - first, casts.scales[n], casts.shifts[far, n], casts.softness[far, n], casts.shares, ids,
            catches, room.shadow,
        )  # fmt: skip


@numba.njit(**FOLDED)
def _draw(out, ids, things, n, first, begin, end, texels, streaks, room):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Draw rows `begin` to `end` of thing `n`'s window over a band whose first row is `first`."""
    left, top, width, _ = things.windows[n]
    window = left, top - first, width, np.int64(begin), end
    return draw_rows(
        out, ids, things.keys[n], _template(things.templates[n]), things.maps[things.ends[n] : things.ends[n + 1]],
        window, things.middles[n], things.leans[n], things.to_mm[n], things.scales[n], things.turns[n], things.tints[n],
        texture_of(things.surfaces[n]), things.lamps[n], things.skies[n], texels, streaks, things.bevels_mm[n], room.work,
        room.whole,
    )  # fmt: skip
