"""What the renderer draws today: a change of these pictures must be meant, and looked at."""

import cv2
import numpy as np
import pytest
from generator_parts import PARTS, context

from kontur.data_preprocessing.render import render_sample
from kontur.visualization.overlay import draw_truth

SEED = 11


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_sample_looks_as_it_did(golden_picture, index):
    """Above the picture, below the id map in steps of grey that the eye can tell."""
    sample = render_sample(context(), SEED, index)
    ids = cv2.cvtColor((sample.ids.astype(int) * 50 % 256).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    golden_picture(f"sample-{index}", np.vstack([sample.image, ids]))


def test_the_truth_drawn_on_a_sample_looks_as_it_did(golden_picture):
    golden_picture("truth", draw_truth(render_sample(context(), SEED, 1), PARTS))


def test_golden_pictures_are_compared_and_a_difference_is_told(request, golden_picture):
    """A sample with other contents does not pass for the golden one."""
    if request.config.getoption("--update-golden"):
        pytest.skip("nothing is compared while golden files are written")
    other = render_sample(context(), SEED, 5)
    with pytest.raises(pytest.fail.Exception, match=r"sample-0: mean difference .* look at .*difference.png"):
        golden_picture("sample-0", np.vstack([other.image, np.dstack([other.ids] * 3)]))
    with pytest.raises(AssertionError, match="make it with --update-golden"):
        golden_picture("never-made", other.image)
