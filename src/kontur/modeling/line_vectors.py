"""Lines of samples across a contour, many numbers at a time.

Such a line is so short that the compiler's own vectors, made for long loops, never come to work: its loops would be done
number by number. What is written or read beyond a line's end, up to a whole vector, counts nothing.
"""

from typing import Any

from numba import types
from numba.core.cgutils import get_or_insert_function, ir
from numba.extending import intrinsic

LANES = 8
LONGEST = 32
"""Samples of a line that is described as a whole, at most."""
WAVES = 5
"""What `join_waves` joins."""
EXPECTED = 16
"""Places along a line that are asked for beforehand."""

_FLOAT, _INT, _LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_FAST = ("fast",)


def _vector(element: Any, count: int = LANES) -> Any:
    return ir.VectorType(element, count)


def _splat(builder: Any, value: Any, count: int = LANES) -> Any:
    """Return a vector of one value."""
    kind = _vector(value.type, count)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_INT, 0))
    return _shuffle(builder, one, one, [0] * count)


def _shuffle(builder: Any, one: Any, two: Any, order: list[int]) -> Any:
    return builder.shuffle_vector(one, two, ir.Constant(_vector(_INT, len(order)), order))


def _counting(count: int = LANES) -> Any:
    return ir.Constant(_vector(_INT, count), list(range(count)))


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the pointer to an array's numbers."""
    return context.make_array(kind)(context, builder, value).data


def _place(builder: Any, data: Any, index: Any, count: int) -> Any:
    return builder.bitcast(builder.gep(data, [index]), _vector(_FLOAT, count).as_pointer())


def _load(builder: Any, data: Any, index: Any, count: int = LANES) -> Any:
    return builder.load(_place(builder, data, index, count), align=4)


def _store(builder: Any, value: Any, data: Any, index: Any) -> None:
    builder.store(value, _place(builder, data, index, value.type.count), align=4)


def _blend(builder: Any, one: Any, two: Any, share: Any) -> Any:
    """Return `one` moved towards `two` by a share of the way."""
    change = builder.fmul(builder.fsub(two, one, flags=_FAST), share, flags=_FAST)
    return builder.fadd(one, change, flags=_FAST)


def _root(builder: Any, value: Any) -> Any:
    """Return the square roots of a vector."""
    kind = value.type
    name = f"llvm.sqrt.v{kind.count}f32"
    root = get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
    return builder.call(root, [value], fastmath=_FAST)


def _folded(builder: Any, value: Any, join: Any) -> Any:
    """Return what all numbers of a vector make when they are joined."""
    while (half := value.type.count // 2) >= 1:
        low, high = (_shuffle(builder, value, value, list(range(start, start + half))) for start in (0, half))
        value = join(low, high)
    return builder.extract_element(value, ir.Constant(_INT, 0))


def _columns(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of LANES vectors: pairs, fours and halves of them change places."""
    pairs = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
    fours = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
    halves = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
    one = [[_shuffle(builder, rows[k], rows[k + 1], order) for order in pairs] for k in (0, 2, 4, 6)]
    two = [[_shuffle(builder, one[k][i], one[k + 1][i], order) for i in (0, 1) for order in fours] for k in (0, 2)]
    return [_shuffle(builder, two[0][i], two[1][i], order) for order in halves for i in range(4)]


@intrinsic
def sample_eight(typing_context, flat, width, u, v, du, dv, first, last, values, stride):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write the bilinear samples of a colour picture (`flat`) at (u, v) + k (du, dv) for the LANES k from `first` on.

    They are written to the columns k of `values`, whose rows lie `stride` apart; after the last k it is sampled again. All
    samples lie inside the picture, two px from its right border and one from the lower.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit addresses, two rows of px for each sample, and what lies between them."""
        kinds, (pixels, wide, *way, begin, end, written, apart) = signature.args, arguments
        pixels, written = _data(context, builder, kinds[0], pixels), _data(context, builder, kinds[8], written)
        steps = builder.add(_splat(builder, builder.trunc(begin, _INT)), _counting())
        limit = _splat(builder, builder.trunc(end, _INT))
        steps = builder.select(builder.icmp_signed("<", steps, limit), steps, limit)
        along = builder.sitofp(steps, _vector(ir.DoubleType()))
        cells, shares = [], []
        for start, step in ((way[0], way[2]), (way[1], way[3])):
            moved = builder.fmul(along, _splat(builder, step), flags=_FAST)
            at = builder.fadd(_splat(builder, start), moved, flags=_FAST)
            cell = builder.fptosi(at, _vector(_INT))
            beyond = builder.fsub(at, builder.sitofp(cell, at.type), flags=_FAST)
            cells.append(cell)
            shares.append(builder.fptrunc(beyond, _vector(_FLOAT)))
        row = builder.mul(cells[1], _splat(builder, builder.trunc(wide, _INT)))
        place = builder.mul(builder.add(row, cells[0]), ir.Constant(_vector(_INT), [3] * LANES))
        below = builder.mul(wide, ir.Constant(_LONG, 3))
        rows = []
        for k in range(LANES):
            index = builder.zext(builder.extract_element(place, ir.Constant(_INT, k)), _LONG)
            share = _shuffle(builder, shares[1], shares[1], [k] * LANES)
            above, under = _load(builder, pixels, index), _load(builder, pixels, builder.add(index, below))
            rows.append(_blend(builder, above, under, share))
        left_and_right = _columns(builder, rows)
        for channel in range(3):
            value = _blend(builder, left_and_right[channel], left_and_right[channel + 3], shares[0])
            at = builder.add(builder.mul(apart, ir.Constant(_LONG, channel)), begin)
            _store(builder, value, written, at)
        return context.get_dummy_value()

    number, count = types.float64, types.int64
    return types.void(flat, count, number, number, number, number, count, count, values, count), generate


@intrinsic
def expect_line(typing_context, flat, width, u, v, du, dv):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Ask for the px of a colour picture (`flat`) at (u, v) + k (du, dv), k from 0 to EXPECTED - 1: soon they are needed."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit addresses, and the prefetch of each."""
        pixels, wide, *way = arguments
        pixels = _data(context, builder, signature.args[0], pixels)
        along = builder.sitofp(_counting(EXPECTED), _vector(_FLOAT, EXPECTED))
        cells = []
        for start, step in ((way[0], way[2]), (way[1], way[3])):
            first, apart = (_splat(builder, builder.fptrunc(item, _FLOAT), EXPECTED) for item in (start, step))
            at = builder.fadd(first, builder.fmul(along, apart, flags=_FAST), flags=_FAST)
            cells.append(builder.fptosi(at, _vector(_INT, EXPECTED)))
        row = builder.mul(cells[1], _splat(builder, builder.trunc(wide, _INT), EXPECTED))
        place = builder.mul(builder.add(row, cells[0]), ir.Constant(_vector(_INT, EXPECTED), [3] * EXPECTED))
        bytes_ = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [bytes_, _INT, _INT, _INT])
        ask = builder.module.declare_intrinsic("llvm.prefetch", (bytes_,), kind)
        for k in range(EXPECTED):
            index = builder.sext(builder.extract_element(place, ir.Constant(_INT, k)), _LONG)
            address = builder.bitcast(builder.gep(pixels, [index]), bytes_)
            builder.call(ask, [address, *(ir.Constant(_INT, item) for item in (0, 3, 1))])
        return context.get_dummy_value()

    number = types.float64
    return types.void(flat, types.int64, number, number, number, number), generate


def _square_of_change(builder: Any, data: Any, stride: Any, at: Any, apart: Any, count: int) -> Any:
    """Return the squared norms over three channels of the differences of samples so far apart."""
    total = ir.Constant(_vector(_FLOAT, count), [0.0] * count)
    for channel in range(3):
        here = builder.add(builder.mul(stride, ir.Constant(_LONG, channel)), at)
        there = _load(builder, data, builder.add(here, apart), count)
        change = builder.fsub(there, _load(builder, data, here, count), flags=_FAST)
        total = builder.fadd(total, builder.fmul(change, change, flags=_FAST), flags=_FAST)
    return total


@intrinsic
def change_eight(typing_context, values, stride, at, apart, scale, out, to):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write from `to` on the norms over channels of the differences of LANES samples, from `at` on, and those `apart`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit differences, and the root of their squares."""
        data, row, begin, distance, factor, written, target = arguments
        data = _data(context, builder, signature.args[0], data)
        square = _square_of_change(builder, data, row, begin, distance, LANES)
        norm = builder.fmul(_root(builder, square), _splat(builder, factor), flags=_FAST)
        _store(builder, norm, _data(context, builder, signature.args[5], written), target)
        return context.get_dummy_value()

    count = types.int64
    return types.void(values, count, count, count, types.float32, out, count), generate


@intrinsic
def tops_of_eight(typing_context, row, at, least):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return which of LANES numbers from `at` on exceed `least` and the one before and are no less than the next: bits."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit three comparisons."""
        data, begin, limit = arguments
        data = _data(context, builder, signature.args[0], data)
        before, here, after = (
            _load(builder, data, builder.add(begin, ir.Constant(_LONG, away))) for away in (-1, 0, 1)
        )
        found = builder.fcmp_ordered(">", here, _splat(builder, limit))
        found = builder.and_(found, builder.fcmp_ordered(">", here, before))
        found = builder.and_(found, builder.fcmp_ordered(">=", here, after))
        return builder.zext(builder.bitcast(found, ir.IntType(LANES)), _LONG)

    return types.int64(row, types.int64, types.float32), generate


@intrinsic
def lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return which bit of a number, not 0, is the lowest that is set."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        """Emit the instruction that counts the zeros below."""
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


@intrinsic
def describe_line(typing_context, values, stride, samples, share, scale, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write the grey levels of a line less their mean, then its changes over two samples; LONGEST samples at most.

    `share` is what a channel counts for in grey levels, `scale` is the factor of the changes. Returns the mean grey level,
    the sum of its squared deviations, and the greatest change.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit it on one long vector."""
        data, row, count, part, factor, written = arguments
        data, written = (_data(context, builder, signature.args[k], item) for k, item in ((0, data), (5, written)))
        nothing = ir.Constant(_vector(_FLOAT, LONGEST), [0.0] * LONGEST)
        number = builder.trunc(count, _INT)
        levels = nothing
        for channel in range(3):
            level = _load(builder, data, builder.mul(row, ir.Constant(_LONG, channel)), LONGEST)
            levels = builder.fadd(levels, level, flags=_FAST)
        grey = builder.fmul(levels, _splat(builder, part, LONGEST), flags=_FAST)
        is_sample = builder.icmp_signed("<", _counting(LONGEST), _splat(builder, number, LONGEST))
        total = _folded(builder, builder.select(is_sample, grey, nothing), _adding(builder))
        mean = builder.fdiv(total, builder.sitofp(number, _FLOAT), flags=_FAST)
        away = builder.select(is_sample, builder.fsub(grey, _splat(builder, mean, LONGEST), flags=_FAST), nothing)
        square = _folded(builder, builder.fmul(away, away, flags=_FAST), _adding(builder))
        between = builder.sub(number, ir.Constant(_INT, 2))
        is_change = builder.icmp_signed("<", _counting(LONGEST), _splat(builder, between, LONGEST))
        two, first = ir.Constant(_LONG, 2), ir.Constant(_LONG, 0)
        norm = _root(builder, _square_of_change(builder, data, row, first, two, LONGEST))
        change = builder.select(is_change, builder.fmul(norm, _splat(builder, factor, LONGEST), flags=_FAST), nothing)
        most = _folded(builder, change, _larger(builder))
        _store(builder, away, written, first)
        _store(builder, change, written, count)
        return context.make_tuple(builder, signature.return_type, [mean, square, most])

    real, count = types.float32, types.int64
    return types.UniTuple(real, 3)(values, count, count, real, real, out), generate


def _adding(builder: Any) -> Any:
    return lambda one, two: builder.fadd(one, two, flags=_FAST)


def _larger(builder: Any) -> Any:
    return lambda one, two: builder.select(builder.fcmp_ordered(">", one, two), one, two)


@intrinsic
def scale_eight(typing_context, values, at, factor, mean, over, limit, out, to):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write LANES numbers from `at` on, times a factor, less their mean, times `over`, limited; `to` begins their row."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit it."""
        data, begin, times, middle, spread, most, written, target = arguments
        data, middle, spread, written = (
            _data(context, builder, signature.args[k], item)
            for k, item in ((0, data), (3, middle), (4, spread), (6, written))
        )
        value = builder.fmul(_load(builder, data, begin), _splat(builder, times), flags=_FAST)
        value = builder.fsub(value, _load(builder, middle, begin), flags=_FAST)
        value = builder.fmul(value, _load(builder, spread, begin), flags=_FAST)
        high = _splat(builder, most)
        low = builder.fsub(ir.Constant(high.type, [0.0] * LANES), high)
        value = builder.select(builder.fcmp_ordered("<", value, high), value, high)
        value = builder.select(builder.fcmp_ordered(">", value, low), value, low)
        _store(builder, value, written, builder.add(target, begin))
        return context.get_dummy_value()

    real, count = types.float32, types.int64
    return types.void(values, count, real, mean, over, real, out, count), generate


@intrinsic
def add_eight(typing_context, values, at, factor, out, to):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Add LANES numbers from `at` on, times a factor, to those from `to` on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit it."""
        data, begin, times, sums, target = arguments
        data, sums = _data(context, builder, signature.args[0], data), _data(context, builder, signature.args[3], sums)
        value = builder.fmul(_load(builder, data, begin), _splat(builder, times), flags=_FAST)
        _store(builder, builder.fadd(_load(builder, sums, target), value, flags=_FAST), sums, target)
        return context.get_dummy_value()

    count = types.int64
    return types.void(values, count, types.float32, out, count), generate


@intrinsic
def join_waves(typing_context, own, at, wave, spread, last):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return three weighted sums, by rows of `last`, of LONGEST numbers that are not negative.

    Those are `own` from `at` on, and on them the rows of `spread` by the numbers of `wave`; what is less than 0 is 0.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit it on one long vector."""
        own, waves, rows, weights = (_data(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 3, 4))
        value = _load(builder, own, arguments[1], LONGEST)
        for k in range(WAVES):
            share = builder.load(builder.gep(waves, [ir.Constant(_LONG, k)]))
            row = _load(builder, rows, ir.Constant(_LONG, k * LONGEST), LONGEST)
            part = builder.fmul(row, _splat(builder, share, LONGEST), flags=_FAST)
            value = builder.fadd(value, part, flags=_FAST)
        value = _larger(builder)(value, ir.Constant(value.type, [0.0] * LONGEST))
        sums = []
        for k in range(3):
            weight = _load(builder, weights, ir.Constant(_LONG, k * LONGEST), LONGEST)
            sums.append(_folded(builder, builder.fmul(value, weight, flags=_FAST), _adding(builder)))
        return context.make_tuple(builder, signature.return_type, sums)

    return types.UniTuple(types.float32, 3)(own, types.int64, wave, spread, last), generate
