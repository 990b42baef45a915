"""Addresses as pointers: kernels reach many arrays of different sizes without a Python object for each."""

from numba import types
from numba.extending import intrinsic


@intrinsic
def pointer(typing_context, address):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """An address as a pointer, for `numba.carray`; what lies there must be kept alive by the caller."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        """Emit the conversion."""
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate
