"""kontur's networks against one of a YOLO11n-seg's size: python benchmarks/baseline.py [--rounds N]

YOLO11n-seg itself (Ultralytics, AGPL) cannot be installed under this project's licences, so nothing is trained here and no
accuracy is compared. In its place stands a convolution stack of its widths, depths and heads (2.9 M parameters, 10.4 GFLOP
at 640 x 640 by its authors' figures): C3k2-like blocks, SPPF, a path-aggregating neck, and box, class, coefficient and
prototype heads. Operations are counted by PyTorch; CPU time is taken of both in turn, in one run. About a minute.
"""

import argparse
import resource
from collections.abc import Callable
from typing import Any

import torch
from publish import markdown_table, publish
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kontur.modeling.network import Network

CLASSES = 12
SIZE_WH = (640, 480)
PUBLISHED = {"parameters, M": 2.9, "GFLOP at 640 x 640": 10.4}
_BOX_CHANNELS, _MASKS = 64, 32


def conv(before: int, after: int, side: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, norm, SiLU."""
    layer = nn.Conv2d(before, after, side, stride, side // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.SiLU(inplace=True))


class Block(nn.Module):
    """Split, two small convolutions with a shortcut, join: YOLO's C3k2."""

    def __init__(self, before: int, after: int, inner: float = 0.5) -> None:
        super().__init__()
        width = int(after * inner)
        self.first, self.last = conv(before, 2 * width, 1), conv(3 * width, after, 1)
        self.inside = nn.Sequential(conv(width, width // 2), conv(width // 2, width))

    def forward(self, features: Tensor) -> Tensor:
        """Run the block."""
        left, right = self.first(features).chunk(2, 1)
        return self.last(torch.cat([left, right, right + self.inside(right)], 1))


class YoloSized(nn.Module):
    """A convolution stack of YOLO11n-seg's widths, strides and heads."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), Block(32, 64, 0.25))
        self.eight = nn.Sequential(conv(64, 64, 3, 2), Block(64, 128, 0.25))
        self.sixteen = nn.Sequential(conv(128, 128, 3, 2), Block(128, 128))
        self.last = nn.Sequential(
            conv(128, 256, 3, 2), Block(256, 256), conv(256, 128, 1), conv(128, 256, 1), Block(256, 256)
        )
        self.up = nn.Upsample(scale_factor=2)
        self.top16, self.top8 = Block(384, 128), Block(256, 64)
        self.down8, self.down16 = conv(64, 64, 3, 2), conv(128, 128, 3, 2)
        self.low16, self.low32 = Block(192, 128), Block(384, 256)
        self.heads = nn.ModuleList(_head(width, classes) for width in (64, 128, 256))
        self.prototypes = nn.Sequential(
            conv(64, 64), nn.ConvTranspose2d(64, 64, 2, 2), conv(64, 64), conv(64, _MASKS, 1)
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the outputs of the three levels and the mask prototypes."""
        eight = self.eight(self.stem(picture))
        sixteen = self.sixteen(eight)
        deep = self.last(sixteen)
        top16 = self.top16(torch.cat([self.up(deep), sixteen], 1))
        top8 = self.top8(torch.cat([self.up(top16), eight], 1))
        low16 = self.low16(torch.cat([self.down8(top8), top16], 1))
        low32 = self.low32(torch.cat([self.down16(low16), deep], 1))
        levels = zip((top8, low16, low32), self.heads, strict=True)
        return [answer(level) for level, head in levels for answer in head] + [self.prototypes(top8)]


def _head(width: int, classes: int) -> nn.ModuleList:
    boxes = nn.Sequential(conv(width, 64), conv(64, 64), nn.Conv2d(64, _BOX_CHANNELS, 1))
    names = nn.Sequential(
        conv(width, width, groups=width),
        conv(width, 64, 1),
        conv(64, 64, groups=64),
        conv(64, 64, 1),
        nn.Conv2d(64, classes, 1),
    )
    masks = nn.Sequential(conv(width, _MASKS), conv(_MASKS, _MASKS), nn.Conv2d(_MASKS, _MASKS, 1))
    return nn.ModuleList([boxes, names, masks])


def operations(network: nn.Module, size_wh: tuple[int, int], backward: bool) -> float:
    """Return GFLOP of one picture (a multiplication and an addition count as two)."""
    counter = FlopCounterMode(display=False)
    with counter:
        _pass(network, torch.zeros(1, 3, size_wh[1], size_wh[0]), backward)
    return counter.get_total_flops() / 1e9


def _pass(network: nn.Module, picture: Tensor, backward: bool) -> None:
    if not backward:
        with torch.no_grad():
            network(picture)
        return
    output = network(picture)
    outputs = output if isinstance(output, list) else [output]
    torch.stack([item.float().square().mean() for item in outputs]).sum().backward()


def cpu_seconds(call: Callable[[], None]) -> float:
    """Return CPU seconds of a call, all threads together."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds: int) -> dict[str, dict[str, Any]]:
    """Count and time all networks, in turn within every round; the least time of each counts."""
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {f"kontur {size}": Network(CLASSES, size) for size in ("n", "s", "m")}
    networks["YOLO11n-seg-sized stack"] = YoloSized(CLASSES)
    results: dict[str, dict[str, Any]] = {}
    for name, network in networks.items():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        results[name] = {
            "parameters, M": sum(p.numel() for p in network.parameters()) / 1e6,
            "GFLOP at 640 x 640": operations(network, (640, 640), False),
            "GFLOP forward": operations(network, SIZE_WH, False),
            "GFLOP forward and backward": operations(network, SIZE_WH, True),
        }
    picture = torch.rand(1, 3, SIZE_WH[1], SIZE_WH[0]).contiguous(memory_format=torch.channels_last)
    for column, backward in (("CPU s forward", False), ("CPU s forward and backward", True)):
        for name in list(networks) * rounds:
            spent = cpu_seconds(lambda name=name, backward=backward: _pass(networks[name], picture, backward))
            results[name][column] = min(spent, results[name].get(column, spent))
    reference = results["YOLO11n-seg-sized stack"]
    for row in results.values():
        row["forward time, ratio"] = row["CPU s forward"] / reference["CPU s forward"]
        row["training time, ratio"] = row["CPU s forward and backward"] / reference["CPU s forward and backward"]
    return results


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help="times each network runs; the best counts")
    rounds = parser.parse_args().rounds
    results = measure(rounds)
    columns = list(next(iter(results.values())))
    table = markdown_table(["network", *columns], [[name, *row.values()] for name, row in results.items()])
    note = (
        f"One picture of {SIZE_WH[0]} x {SIZE_WH[1]}, fp32. YOLO11n-seg itself is AGPL and cannot be installed under this "
        "project's licences: the stack has its widths, depths and heads, nothing is trained, and accuracy is not compared. "
        f"Its authors give {PUBLISHED['parameters, M']} M parameters and {PUBLISHED['GFLOP at 640 x 640']} GFLOP."
    )
    command = f"python benchmarks/baseline.py --rounds {rounds}"
    publish("baseline", "Cost against a YOLO-style network", command, results, f"{table}\n\n{note}")


if __name__ == "__main__":
    main()
