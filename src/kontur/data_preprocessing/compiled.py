"""How the inner loops of the generator are compiled.

Only entry points are kept on disk. What they call must not be: numba links a cached function as finished machine code, which
can no longer be merged into its caller, and a loop with a call in it does not become vector instructions (60 times slower).
"""

INNER = {"nogil": True, "fastmath": True, "error_model": "numpy"}
"""Options of numba for what other kernels call: no Python lock, arithmetic that may be reordered into vectors."""
ENTRY = {**INNER, "cache": True}
"""For what Python calls: kept on disk too."""
