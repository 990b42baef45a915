"""Which runtime, precision and number of threads is the fastest on this machine, with this model and picture size.

Each candidate runs the same pictures. Its raw answers are compared with PyTorch's in fp32, where PyTorch is there, else with
ONNX Runtime's. Only candidates whose answers would lead to the same proposals count as correct; the fastest of them is
chosen. Candidates take turns, round after round, so that a busy moment of the machine hits all alike; the median counts.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from kontur.errors import ModelError
from kontur.hardware.threads import limit_shared_threads, thread_count
from kontur.modeling.heads import HEADS, OFFSET_UNIT_PX
from kontur.modeling.model_files import find_model
from kontur.modeling.proposer import as_input
from kontur.modeling.runtimes import RUNTIMES, Bytes, Floats, Runtime, RuntimeChoice, open_runtime
from kontur.pictures import Picture
from kontur.workspace import Workspace

ROUNDS = 15
_WARM_UP = 2
MOST_OFFSET_PX = 2.0
"""Root mean square by which a correct candidate's votes may differ from the reference's; a part's votes are averaged."""
LEAST_AGREEMENT = 0.98
"""Share of the foreground cells that must name the same part, and of all cells that must agree on being foreground."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Row:
    """A candidate and what was measured.

    Attributes:
        choice: runtime, precision, threads.
        milliseconds: median wall time of one picture; None where it could not be run.
        agreement: the lesser share of cells that agree with the reference, 0..1.
        offset_px: root mean square difference of the votes from the reference's.
        fault: why it could not be run or is not correct; empty where it is.
    """

    choice: RuntimeChoice
    milliseconds: float | None
    agreement: float
    offset_px: float
    fault: str


def candidates(most_threads: int) -> Iterator[RuntimeChoice]:
    """Yield every runtime and precision that is installed, with 1, 2, 4, ... threads up to the greatest number."""
    counts = sorted({*(2**k for k in range(most_threads.bit_length()) if 2**k <= most_threads), most_threads})
    for name, kind in RUNTIMES.items():
        if find_spec(kind.package) is not None:
            yield from (RuntimeChoice(name, precision, count) for precision in kind.precisions for count in counts)


def tune(
    workspace: Workspace,
    pictures: Sequence[Picture],
    on_progress: Progress,
    choices: Sequence[RuntimeChoice] | None = None,
) -> list[Row]:
    """Measure candidates; the fastest correct one comes first, those that cannot be run last.

    Args:
        workspace: with an exported network.
        pictures: of the size to come, (H, W, 3) uint8.
        on_progress: called with steps done and their number.
        choices: None for all that are installed.

    Raises:
        ModelError: no exported network, or no candidate is correct.
    """
    choices = list(candidates(thread_count()) if choices is None else choices)
    batches = [as_input(picture) for picture in pictures]
    reference = _reference(workspace, batches)
    steps = len(choices) + ROUNDS
    opened: dict[RuntimeChoice, Runtime] = {}
    rows: dict[RuntimeChoice, Row] = {}
    for done, choice in enumerate(choices):
        on_progress(done, steps)
        rows[choice] = _examined(workspace, choice, batches, reference, opened)
    seconds: dict[RuntimeChoice, list[float]] = {choice: [] for choice in opened}
    for turn in range(ROUNDS):
        on_progress(len(choices) + turn, steps)
        for choice, run in opened.items():
            seconds[choice].append(_timed(run, batches[turn % len(batches)], choice.threads))
    on_progress(steps, steps)
    for choice, times in seconds.items():
        row = rows[choice]
        rows[choice] = Row(choice, 1000 * float(np.median(times)), row.agreement, row.offset_px, row.fault)
    order = sorted(rows.values(), key=lambda row: (row.milliseconds is None, bool(row.fault), row.milliseconds or 0))
    if order[0].fault:
        raise ModelError(f"{order[0].choice.runtime}: {order[0].fault}; no runtime answers as the reference does")
    return order


def compare(answer: Floats, reference: Floats) -> tuple[float, float]:
    """Return how far two raw answers (C, h, w) agree: the lesser share of cells, and the votes' difference in px."""
    here, there = answer[HEADS.foreground][0] > 0, reference[HEADS.foreground][0] > 0
    both = here & there
    if not both.any():
        return float((here == there).mean()), 0.0
    same = (answer[HEADS.part].argmax(axis=0) == reference[HEADS.part].argmax(axis=0))[both].mean()
    votes = (answer[HEADS.offset] - reference[HEADS.offset])[:, both] * OFFSET_UNIT_PX
    return float(min((here == there).mean(), same)), float(np.sqrt((votes**2).sum(axis=0).mean()))


def _reference(workspace: Workspace, batches: Sequence[Bytes]) -> list[Floats]:
    torch_is_there = find_spec("torch") is not None and workspace.checkpoint.is_file()
    choice = RuntimeChoice("pytorch" if torch_is_there else "onnxruntime", "fp32", thread_count())
    run = open_runtime(find_model(workspace, choice), choice)
    return [run(batch)[0] for batch in batches]


def _examined(
    workspace: Workspace,
    choice: RuntimeChoice,
    batches: Sequence[Bytes],
    reference: Sequence[Floats],
    opened: dict[RuntimeChoice, Runtime],
) -> Row:
    """Open a candidate, and compare its answers; one that can be run goes into `opened`."""
    try:
        run = open_runtime(find_model(workspace, choice), choice)
    except ModelError as error:
        return Row(choice, None, 0.0, 0.0, str(error))
    pairs = [compare(run(batch)[0], there) for batch, there in zip(batches, reference, strict=True)]
    agreement, offset = min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    opened[choice] = run
    fault = ""
    if agreement < LEAST_AGREEMENT or offset > MOST_OFFSET_PX:
        fault = f"differs: {agreement:.1%} of the cells agree, votes differ by {offset:.1f} px"
    return Row(choice, None, agreement, offset, fault)


def _timed(run: Runtime, batch: Bytes, threads: int) -> float:
    limit_shared_threads(threads)
    for _ in range(_WARM_UP):
        run(batch)
    start = time.perf_counter()
    run(batch)
    return time.perf_counter() - start
