"""Compiled kernels taken from numba's cache without what only compiling needs.

Before numba takes the first kernel from its cache it loads all that it knows to compile; with each kernel it reads the
intermediate code beside the machine code, and imports the modules of functions that were compiled into it. Together that
takes longer than detecting does. Here it waits until something is compiled: a kernel that is not in the cache, and may call
one that was.
"""

import sys
from functools import wraps
from importlib import import_module
from typing import Any

from numba.core import entrypoints, environment
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen, ll
from numba.core.runtime import _nrt_python

from kontur.hardware.absent import UNUSED_BY_NUMBA, absent

_rebuild_env = environment._rebuild_env


class _CachedLibrary(JITCodeLibrary):
    """The machine code of a kernel, and its intermediate code as bytes."""

    _code = _bitcode = b""
    _shared_module: Any

    @classmethod
    def _unserialize(cls, codegen: Any, state: Any) -> "_CachedLibrary":
        """Return the library that a kernel in the cache has."""
        name, _, (code, bitcode) = state
        if b"_numba_hashsecret" in code:
            import_module("numba.cpython.hashing")  # which says where that is to be found
        library: _CachedLibrary = codegen.create_library(name)
        library._code, library._bitcode = code, bitcode
        library.enable_object_caching()
        library._set_compiled_object(code)
        library._finalize_final_module()
        return library

    def _get_module_for_linking(self) -> Any:
        """Return the intermediate code, for a kernel that is compiled and calls this one."""
        if self._bitcode and self._shared_module is None:
            self._shared_module = ll.parse_bitcode(self._bitcode)
        return super()._get_module_for_linking()

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function; 0 where there is none of that name."""
        if f"{name}\0".encode() in self._code:
            return int(self.codegen._engine.get_function_address(name))
        return int(super().get_pointer_to_function(name))


def _load_overload(cache: FunctionCache, signature: Any, target: Any) -> Any:
    """Return a kernel from its cache; None where it is not there, and then numba is ready to compile it."""
    with cache._guard_against_spurious_io_errors():
        kernel = cache._load_overload(signature, target)
    if kernel is None:
        with absent(*UNUSED_BY_NUMBA):
            target.refresh()
    return kernel


@wraps(_rebuild_env)
def _environment(module: str, constants: Any, name: str) -> Any:
    """Return what a compiled function keeps of Python; its module, for object mode alone, only where that is loaded."""
    if module in sys.modules or environment.lookup_environment(name) is not None:
        return _rebuild_env(module, constants, name)
    kept = environment.Environment({"__name__": module})
    kept.consts[:], kept.env_name = constants, name
    environment.Environment._memo[name] = kept
    return kept


def load_kernels_leanly() -> None:
    """Let this process load kernels so. Extensions that others made for numba are not looked for."""
    for name, address in _nrt_python.c_helpers.items():  # what machine code calls to hold arrays
        ll.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
    JITCPUCodegen._library_class = _CachedLibrary
    FunctionCache.load_overload = _load_overload
    environment._rebuild_env = _environment
    entrypoints._already_initialized = True
