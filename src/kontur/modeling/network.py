"""The network: a residual encoder with a top-down decoder to stride 4, dense 3x3 convolutions only.

For every cell of 4 x 4 px it says: is there a part, where is that part's datum, does it lie face down, and which part is
it. Each answer is read only where there is a part; a vote over the cells of one part then gives one proposal (see
proposals.py). Angle and scale are not asked of the network: once part and place are known, the drawing finds them on the
picture's edges more surely and without training (see coarse_pose.py).
"""

import itertools
from typing import cast

import torch
from torch import Tensor, nn

from kontur.modeling.heads import HEADS

WIDTHS = {"n": (16, 16, 32, 64, 96), "s": (16, 32, 64, 96, 128), "m": (16, 48, 96, 128, 192)}
"""Channels at strides 2, 4, 8, 16 and 32."""
DECODER_WIDTH = {"n": 32, "s": 48, "m": 64}
_BLOCKS_PER_STAGE = 2
_HEAD_WIDTH = 64
_FOREGROUND_PRIOR_LOGIT = -2.0


class Network(nn.Module):
    """(B, 3, H, W) float32 BGR in 0..255, H and W multiples of 32, to (B, 4 + parts, H / 4, W / 4) raw outputs.

    The channels are laid out as `heads.HEADS` says.
    """

    def __init__(self, parts: int, size: str = "n") -> None:
        super().__init__()
        widths, decoder = WIDTHS[size], DECODER_WIDTH[size]
        self.stem = _convolution(3, widths[0], stride=2)
        stages = []
        for before, width in itertools.pairwise(widths):
            blocks = [_Residual(width) for _ in range(_BLOCKS_PER_STAGE)]
            stages.append(nn.Sequential(_convolution(before, width, stride=2), *blocks))
        self.stages = nn.ModuleList(stages)
        self.lateral = nn.ModuleList(nn.Conv2d(width, decoder, 1) for width in widths[1:])
        self.merge = nn.ModuleList(_convolution(decoder, decoder) for _ in widths[2:])
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        answer = nn.Conv2d(_HEAD_WIDTH, HEADS.part.start + parts, 1)
        with torch.no_grad():
            cast(Tensor, answer.bias)[HEADS.foreground] = _FOREGROUND_PRIOR_LOGIT
        self.head = nn.Sequential(_convolution(decoder, _HEAD_WIDTH), answer)

    def forward(self, picture: Tensor) -> Tensor:
        """Run the network; see the class for shapes and units."""
        features = self.stem(picture / 127.5 - 1.0)
        levels = []
        for stage in self.stages:
            features = stage(features)
            levels.append(features)
        top = self.lateral[-1](levels[-1])
        for level in range(len(levels) - 2, -1, -1):
            top = self.merge[level](self.up(top) + self.lateral[level](levels[level]))
        return self.head(top)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        """Add two convolutions to the features."""
        return torch.relu(features + self.second(self.first(features)))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
