"""How the inner loops of the generator are compiled."""

FAST = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
"""Options of numba: kept on disk, without Python's lock, and with arithmetic that may be reordered into vectors."""
