"""How the inner loops of the generator are compiled.

Only entry points are kept on disk. What they call must not be: numba links a cached function as finished machine code, which
can no longer be merged into its caller, and a loop with a call in it does not become vector instructions (60 times slower).

numba counts who uses an array, for every slice that is taken, by atomic instructions: a third of the time where slices are
rows of a picture. Inner kernels do not count. Therefore they neither make arrays nor return any; what does is a MAKER.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LINE_BYTES = 64

MAKER = {"nogil": True, "fastmath": True, "error_model": "numpy", "_nrt": True}
"""For what other kernels call to make arrays: no Python lock, arithmetic that may be reordered into vectors."""
INNER = {**MAKER, "_nrt": False}
"""For the rest of what other kernels call: arrays are not counted, see above."""
ENTRY = {**MAKER, "cache": True}
"""For what Python calls: kept on disk too."""
BARE_ENTRY = {**INNER, "cache": True}
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
