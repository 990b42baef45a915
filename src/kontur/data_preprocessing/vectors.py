"""Eight numbers at a time where a loop is too short for the compiler to see that it may.

A tile's row lies apart from the next one in the picture. numba cannot say that the picture and the block do not overlap, so
that such a loop would be done number by number.
"""

from numba import types
from numba.core.cgutils import ir
from numba.extending import intrinsic

LANES = 8
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def blend_row(typing_context, light, at, block, sent, cover):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Move LANES numbers of `light` from `at` on towards `block`'s from `sent` on, by its share from `cover` on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        """Emit light += (sent - light) * cover."""
        data = [context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in (0, 2)]
        places = [
            builder.bitcast(builder.gep(data[k], [arguments[n]]), _VECTOR.as_pointer())
            for k, n in ((0, 1), (1, 3), (1, 4))
        ]
        before, sent_there, share = (builder.load(place, align=4) for place in places)
        change = builder.fmul(builder.fsub(sent_there, before, flags=["fast"]), share, flags=["fast"])
        builder.store(builder.fadd(before, change, flags=["fast"]), places[0], align=4)
        return context.get_dummy_value()

    return types.void(light, types.uint64, block, types.uint64, types.uint64), generate
