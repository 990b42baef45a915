"""The processor by faked /proc/cpuinfo files: flags, refusal without AVX2, ARM, nothing."""

import pytest

from kontur.hardware.isa_levels import levels_of
from kontur.hardware.processor import read_processor

HASWELL = "sse4_2 avx avx2 fma hypervisor"
SERVER = f"{HASWELL} avx512f avx512bw avx512cd avx512dq avx512vl avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16"


def cpuinfo(folder, flags, key="flags", name="Some CPU @ 2.00GHz"):
    path = folder / "cpuinfo"
    block = f"processor\t: 0\nmodel name\t: {name}\n{key}\t\t: {flags}\n\n"
    path.write_text(block + block.replace("processor\t: 0", "processor\t: 1"))
    return path


def test_features_of_an_x86_processor(tmp_path):
    found = read_processor(cpuinfo(tmp_path, HASWELL), "x86_64")
    assert found.name == "Some CPU @ 2.00GHz"
    assert found.virtual
    assert {name for name, there in found.features.items() if there} == {"SSE4.2", "AVX", "AVX2", "FMA"}
    assert found.refusal == ""


def test_avx512_needs_all_its_parts(tmp_path):
    assert read_processor(cpuinfo(tmp_path, SERVER), "x86_64").features["AVX-512"]
    assert not read_processor(cpuinfo(tmp_path, SERVER.replace("avx512vl", "")), "x86_64").features["AVX-512"]


def test_without_avx2_the_refusal_says_what_to_do(tmp_path):
    found = read_processor(cpuinfo(tmp_path, "sse4_2 avx hypervisor"), "x86_64")
    for hint in ("no AVX2", '"host"', "--force"):
        assert hint in found.refusal


def test_an_arm_processor_is_not_asked_for_avx2(tmp_path):
    found = read_processor(cpuinfo(tmp_path, "fp asimd asimddp i8mm", key="Features"), "aarch64")
    assert found.features == {"NEON": True, "dotprod": True, "i8mm": True, "bf16": False, "SVE": False}
    assert found.refusal == ""


@pytest.mark.parametrize("content", [None, "", "garbage\n:::\n\x00"])
def test_a_system_that_says_nothing_is_not_refused(tmp_path, content):
    path = tmp_path / "cpuinfo"
    if content is not None:
        path.write_text(content)
    found = read_processor(path, "x86_64")
    assert found.features == {}
    assert found.refusal == ""


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ("sse4_2", ["SSE4.2", "all"]),
        (HASWELL, ["SSE4.2", "AVX2", "all"]),
        (SERVER, ["SSE4.2", "AVX2", "AVX-512", "all"]),
    ],
)
def test_only_levels_that_the_processor_has_are_tested(tmp_path, flags, names):
    assert [level.name for level in levels_of(read_processor(cpuinfo(tmp_path, flags), "x86_64"))] == names
