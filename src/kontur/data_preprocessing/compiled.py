"""How the inner loops of the generator are compiled.

Only entry points are kept on disk. What they call must not be: numba links a cached function as finished machine code, which
can no longer be merged into its caller, and a loop with a call in it does not become vector instructions (60 times slower).

numba counts who uses an array, for every slice that is taken, by atomic instructions: a third of the time where slices are
rows of a picture. Inner kernels do not count. Therefore they neither make arrays nor return any; what does is a MAKER.

LLVM reorders arithmetic anew wherever it works on a function: copies of one function may round differently. numba leaves
open which copy an entry point calls that was not merged into it: its own, or one of the same name that this process has got
already, by compiling it or with another entry point. Here it is its own: who compiled a kernel does not show in pictures.
"""

import math
from typing import Any

import numpy as np
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager
from numpy.typing import DTypeLike, NDArray

_LINE_BYTES = 64


class _OwnLibrary(JITCodeLibrary):
    """The code of an entry point, which calls its own copies."""

    def _optimize_final_module(self) -> None:
        """Optimize, then keep to itself what was linked in: nothing of the same name is taken for it."""
        super()._optimize_final_module()
        for function in self._final_module.functions:
            if function.linkage.name == "linkonce_odr":
                function.linkage = "internal"


class EntryCompiler(Compiler):
    """numba's compiler, for entry points that call what may reorder arithmetic."""

    def define_pipelines(self) -> list[PassManager]:
        """Say where the code is gathered, and return what is done to make it."""
        self.state.library = _OwnLibrary(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


MAKER = {"nogil": True, "fastmath": True, "error_model": "numpy", "_nrt": True}
"""For what other kernels call to make arrays: no Python lock, arithmetic that may be reordered into vectors."""
INNER = {**MAKER, "_nrt": False}
"""For the rest of what other kernels call: arrays are not counted, see above."""
ENTRY = {**MAKER, "cache": True, "pipeline_class": EntryCompiler}
"""For what Python calls: kept on disk too."""
BARE_ENTRY = {**INNER, "cache": True, "pipeline_class": EntryCompiler}
"""For what Python calls and what makes no arrays itself."""
FOLDED = {**INNER, "inline": "always"}
"""For what leads from an entry to the loops: its statements become the caller's. LLVM works on a function, and on all that
it calls, once more for each level of calls above it."""


def room_for(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return memory for numbers to be written, which begins with a line of the cache: a vector then lies within one line."""
    sizes = (shape,) if isinstance(shape, int) else shape
    count = math.prod(sizes) * np.dtype(dtype).itemsize
    raw = np.empty(count + _LINE_BYTES, np.uint8)
    begin = -raw.ctypes.data % _LINE_BYTES
    return raw[begin : begin + count].view(dtype).reshape(sizes)
