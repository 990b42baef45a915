"""Kernels draw the same whether they were just compiled or taken from the disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """
import hashlib
import sys
import threading

from generator_parts import PARTS

from kontur.data_preprocessing import render
from kontur.data_preprocessing.data_config import DataConfig
from kontur.hardware.threads import limit_inner_threads

limit_inner_threads()
for preset in sys.argv[1:]:
    config = DataConfig(preset=preset)
    context = render.make_context(config, PARTS)
    for index in range(4):
        sample = render.render_sample(context, 0, index)
        light = render._light_buffer(threading.get_ident(), *config.camera.size_wh)  # as the last picture left it
        print(preset, index, *(hashlib.sha256(array).hexdigest() for array in (light, sample.image, sample.ids)))
"""
PRESETS = ("backlight", "bench", "conveyor", "hard", "lightbox", "none")


def draw(cache: Path, presets: tuple[str, ...]) -> list[str]:
    """Draw four pictures of each preset in a process of its own; returns a line of checksums for each."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, "-c", DRAW, *presets]
    done = subprocess.run(command, env=environment, check=True, timeout=600, capture_output=True, text=True)
    return sorted(done.stdout.splitlines())


@pytest.mark.slow
def test_a_process_that_compiles_draws_what_later_ones_draw(tmp_path):
    """To the last bit of the light, and in whichever order the kernels are loaded."""
    compiled = draw(tmp_path, PRESETS)
    kernels = sorted(tmp_path.rglob("*.nbc"))
    assert len(compiled) == 4 * len(PRESETS)
    assert kernels
    assert draw(tmp_path, PRESETS) == compiled
    assert draw(tmp_path, PRESETS[::-1]) == compiled
    assert sorted(tmp_path.rglob("*.nbc")) == kernels
