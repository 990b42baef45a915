"""How the inner loops of the generator are compiled.

Only entry points are kept on disk. What they call must not be: numba links a cached function as finished machine code, which
can no longer be merged into its caller, and a loop with a call in it does not become vector instructions (60 times slower).

numba counts who uses an array, for every slice that is taken, by atomic instructions: a third of the time where slices are
rows of a picture. Inner kernels do not count. Therefore they neither make arrays nor return any; what does is a MAKER.
"""

MAKER = {"nogil": True, "fastmath": True, "error_model": "numpy", "_nrt": True}
"""For what other kernels call to make arrays: no Python lock, arithmetic that may be reordered into vectors."""
INNER = {**MAKER, "_nrt": False}
"""For the rest of what other kernels call: arrays are not counted, see above."""
ENTRY = {**MAKER, "cache": True}
"""For what Python calls: kept on disk too."""
