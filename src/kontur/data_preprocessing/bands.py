"""Composing a picture's light band by band: a band's table, shadows and things are all drawn while it is in the fast cache.

A whole picture in linear light is five megabytes, more than a core's own cache: drawn thing by thing over all of it, most of
the time would pass waiting for memory that the cores share.
"""

from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from kontur.data_preprocessing.blocks import TILE
from kontur.data_preprocessing.compiled import ENTRY, INNER
from kontur.data_preprocessing.shadows import cast_shadows, distances_of
from kontur.data_preprocessing.surfaces import texture_of
from kontur.data_preprocessing.table import fill_ground
from kontur.data_preprocessing.tiles import draw_thing

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


@intrinsic
def _pointer(typing_context, address):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """An address as a pointer, for `numba.carray`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        """Emit the conversion."""
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate


@numba.njit(**ENTRY)
def compose(light, ids, ground, things, casts, texels, streaks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write a picture's light, before lens and sensor, and what lies where.

    Args:
        light: (3, H, W) float32, written.
        ids: (H, W) uint8, written: the key of what is seen, 0 for the table.
        ground: table.Ground; things: Things; casts: Casts.
        texels, streaks: see `relief.texture_block`.

    Returns:
        (n,) int64 pixels that each thing would cover alone in an unbounded picture.
    """
    _, height, width = light.shape
    band, owners = np.empty(3 * BAND * width, np.float32), np.empty(BAND * width, np.uint8)
    spans, distances = _all_distances(casts)
    covered = np.zeros(len(things.keys), np.int64)
    for n in range(len(covered)):
        top, tall = things.windows[n, 1], things.windows[n, 3]
        beyond = -(-height // TILE) * TILE - top
        covered[n] += _draw(light, ids, things, n, 0, 0, min(tall, max(0, -top)), texels, streaks)
        covered[n] += _draw(light, ids, things, n, 0, max(0, beyond), tall, texels, streaks)
    for first in range(0, height, BAND):
        rows = min(BAND, height - first)
        out = band[: 3 * rows * width].reshape((3, rows, width))
        here = owners[: rows * width].reshape((rows, width))
        fill_ground(out, ground, first, height)
        here[:] = 0
        for n in range(len(covered)):
            _cast(out, here, casts, n, first, distances[spans[n] : spans[n + 1]])
            top, tall = things.windows[n, 1], things.windows[n, 3]
            begin, end = max(0, first - top), min(tall, first + BAND - top)
            covered[n] += _draw(out, here, things, n, first, begin, end, texels, streaks)
        light[:, first : first + rows] = out
        ids[first : first + rows] = here
    return covered


@numba.njit(**INNER)
def _all_distances(casts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where each shadow's distances begin and end, and the distances of all of them, mm."""
    count = len(casts.scales)
    spans = np.zeros(count + 1, np.int64)
    for n in range(count):
        spans[n + 1] = spans[n] + casts.windows[n, 2] * casts.windows[n, 3]
    distances = np.empty(spans[count], np.float32)
    for n in range(count):
        columns, rows = casts.windows[n, 2], casts.windows[n, 3]
        out = distances[spans[n] : spans[n + 1]].reshape((rows, columns))
        distances_of(out, _template(casts.templates[n]), casts.maps[n])
    return spans, distances


@numba.njit(**INNER)
def _template(place):  # type: ignore[no-untyped-def]  # pragma: no cover
    return numba.carray(_pointer(place[0]), (place[1], place[2]), np.int32)


@numba.njit(**INNER)
def _cast(out, ids, casts, n, first, distances):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Darken a band whose first row is `first` around thing `n`."""
    left, top, columns, rows = casts.windows[n]
    if top >= first + out.shape[1] or top + 2 * rows <= first:
        return
    mm = distances.reshape((rows, columns))
    for far in range(1 + casts.falls_far[n]):
        catches = casts.catches[far, n] if casts.falls_far[n] else casts.catches[0, n, :0]
        cast_shadows(
            out, mm, left, top - first, casts.scales[n], casts.shifts[far, n], casts.softness[far, n], casts.shares, ids,
            catches,
        )  # fmt: skip


@numba.njit(**INNER)
def _draw(out, ids, things, n, first, begin, end, texels, streaks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Draw rows `begin` to `end` of thing `n`'s window over a band whose first row is `first`."""
    if begin >= end:
        return 0
    left, top, width, _ = things.windows[n]
    return draw_thing(
        out, ids, things.keys[n], _template(things.templates[n]), things.maps[things.ends[n] : things.ends[n + 1]],
        (left, top - first, width, begin, end), things.middles[n], things.leans[n], things.to_mm[n], things.scales[n],
        things.turns[n], things.tints[n], texture_of(things.surfaces[n]), things.lamps[n], things.skies[n], texels, streaks,
        things.bevels_mm[n],
    )  # fmt: skip
