"""The processor: its name, and which instruction sets it has, by the names that people and libraries use."""

import platform
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

X86_FEATURES = {
    "SSE4.2": ("sse4_2",),
    "AVX": ("avx",),
    "AVX2": ("avx2",),
    "FMA": ("fma",),
    "AVX-512": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "AVX-512 VNNI": ("avx512_vnni",),
    "AVX VNNI": ("avx_vnni",),
    "AVX-512 bf16": ("avx512_bf16",),
    "AMX": ("amx_tile", "amx_int8", "amx_bf16"),
}
"""Instruction sets of x86-64, and the flags of /proc/cpuinfo that must all be there."""
ARM_FEATURES = {
    "NEON": ("asimd",),
    "dotprod": ("asimddp",),
    "i8mm": ("i8mm",),
    "bf16": ("bf16",),
    "SVE": ("sve",),
}

REFUSAL = (
    "this processor has no AVX2, which kontur's libraries need to be of use. In a virtual machine, set the CPU type to "
    '"host" (Proxmox, libvirt: host-passthrough; VMware: EVC off; VirtualBox: enable AVX pass-through) and start it anew; '
    "on bare metal, use a processor from 2013 (Intel Haswell, AMD Excavator) or later. --force goes on all the same, slowly"
)


@dataclass(frozen=True)
class Processor:
    """What the operating system says of the processor.

    Attributes:
        name: as the maker calls it.
        architecture: x86_64, aarch64, ...
        features: instruction sets by name, and whether they are there.
        virtual: whether it is a virtual machine's.
    """

    name: str
    architecture: str
    features: dict[str, bool]
    virtual: bool

    @property
    def refusal(self) -> str:
        """Why kontur should not be run here, and what to do; empty where it may."""
        return REFUSAL if self.features.get("AVX2", True) is False else ""


def read_processor(cpuinfo: Path = CPUINFO, architecture: str | None = None) -> Processor:
    """Read /proc/cpuinfo; where there is none (other systems), name and architecture are all that is known."""
    architecture = architecture or platform.machine()
    fields = _fields(cpuinfo)
    known = X86_FEATURES if architecture in ("x86_64", "AMD64") else ARM_FEATURES
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    features = {name: all(flag in flags for flag in needed) for name, needed in known.items()} if flags else {}
    name = fields.get("model name") or fields.get("Model") or platform.processor() or architecture
    return Processor(name, architecture, features, "hypervisor" in flags)


def _fields(cpuinfo: Path) -> dict[str, str]:
    """Return the first value of every field of /proc/cpuinfo."""
    if not cpuinfo.is_file():
        return {}
    found: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        key, separator, value = line.partition(":")
        if separator:
            found.setdefault(key.strip(), value.strip())
    return found
