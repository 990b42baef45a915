"""PyTorch as a runtime, one operation after the other ("eager"): fp32 and bf16. The reference for the others."""

from collections.abc import Callable
from pathlib import Path

import torch

from kontur.modeling.checkpoint import load_checkpoint
from kontur.modeling.runtimes import Bytes, Floats, Runtime, RuntimeChoice

Wrap = Callable[[torch.nn.Module], Callable[[torch.Tensor], torch.Tensor]]


def open_runtime(path: Path, choice: RuntimeChoice, wrap: Wrap = lambda network: network) -> Runtime:
    """Load a checkpoint; see `runtimes.open_runtime`. PyTorch has one thread setting for all it does."""
    network, _ = load_checkpoint(path)
    torch.set_num_threads(choice.threads)
    dtype = torch.bfloat16 if choice.precision == "bf16" else torch.float32
    ready = wrap(network.to(dtype=dtype, memory_format=torch.channels_last))  # type: ignore[call-overload]

    def run(pictures: Bytes) -> Floats:
        """Run the network on a batch."""
        with torch.inference_mode():
            batch = torch.tensor(pictures).permute(0, 3, 1, 2).to(dtype, memory_format=torch.channels_last)
            answer: Floats = ready(batch).float().contiguous().numpy()
        return answer

    return run
