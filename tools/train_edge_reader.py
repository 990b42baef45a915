"""Train the edge reader: python tools/train_edge_reader.py [--batches N] [--minutes M] [--samples DIR]

Makes samples (see `edge_samples`; batches that DIR already holds are kept), trains the filter of
`kontur.modeling.edge_reader` on them, prints its error on 4 % that it never saw, and writes the weights.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from edge_samples import ROOT, samples_of
from torch import Tensor, nn

from kontur.modeling.edge_reader import FEATURE_LIMIT, FEATURES
from kontur.modeling.reader_answer import LEAST_LOG_SIGMA, MOST_LOG_SIGMA

WEIGHTS = ROOT / "src" / "kontur" / "modeling" / "edge_reader.npz"
_FIRST_SEED = 5000
_POINT, _HIDDEN, _JOINED = 48, 24, 32
_BATCH = 32
_RATE, _WARM_UP = 3e-3, 200
_FREEDOM = 3.0
"""Degrees of freedom of Student's t, the law of the offset's error: wrong readings are not rare."""
_SEEN_LOSS = 0.3
_COLUMNS = ("features", "normals", "offset_px", "seen", "pooling")


class EdgeReader(nn.Module):
    """The filter; its forward pass without torch is `edge_reader.read_edges`."""

    def __init__(self, features: Tensor) -> None:
        """Take mean and deviation of (N, M, F) features."""
        super().__init__()
        self.register_buffer("mean", features.mean((0, 1)))
        self.register_buffer("deviation", features.std((0, 1)) + 1e-3)
        self.point1, self.point2 = nn.Linear(FEATURES, _POINT), nn.Linear(_POINT, _HIDDEN)
        self.joined, self.answer = nn.Linear(4 * _HIDDEN, _JOINED), nn.Linear(_JOINED, 3)

    def forward(self, features: Tensor, normals: Tensor, pooling: Tensor) -> Tensor:
        """Return (N, M, 3) offset, log sigma, logit of visibility."""
        scaled = ((features - self.mean) / self.deviation).clamp(-FEATURE_LIMIT, FEATURE_LIMIT)
        hidden = torch.relu(self.point2(torch.relu(self.point1(scaled))))
        share = pooling / pooling.sum(1, keepdim=True).clamp(min=1e-6)
        x, y = normals[..., 0], normals[..., 1]
        waves = torch.stack([torch.ones_like(x), x, y, x * x - y * y, 2 * x * y], 2)
        means = (waves * share[..., None]).transpose(1, 2) @ hidden
        pooled = [waves[..., k] @ means[:, k] for k in (slice(0, 1), slice(1, 3), slice(3, 5))]
        return self.answer(torch.relu(self.joined(torch.cat([hidden, *pooled], 2))))


def loss_of(answer: Tensor, offset_px: Tensor, seen: Tensor, pooling: Tensor) -> Tensor:
    """Return minus the log-likelihood of offsets where the contour is seen, and the cross entropy of whether it is."""
    log_sigma = answer[..., 1].clamp(LEAST_LOG_SIGMA, MOST_LOG_SIGMA)
    relative = (answer[..., 0] - offset_px) / torch.exp(log_sigma)
    unlikely = log_sigma + (_FREEDOM + 1) / 2 * torch.log1p(relative**2 / _FREEDOM)
    counted = pooling * seen
    doubt = nn.functional.binary_cross_entropy_with_logits(answer[..., 2], seen, reduction="none")
    return (unlikely * counted).sum() / counted.sum() + _SEEN_LOSS * (doubt * pooling).sum() / pooling.sum()


def turned(normals: Tensor, generator: torch.Generator) -> Tensor:
    """Turn and mirror each part's normals at random: light comes from everywhere."""
    angle = torch.rand(len(normals), 1, generator=generator) * 2 * torch.pi
    side = torch.where(torch.rand(len(normals), 1, generator=generator) < 0.5, -1.0, 1.0)
    x, y, c, s = normals[..., 0] * side, normals[..., 1], torch.cos(angle), torch.sin(angle)
    return torch.stack([c * x - s * y, s * x + c * y], 2)


def make_samples(folder: Path, batches: int, workers: int) -> None:
    """Write the batches that a folder lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(batches) if not (folder / f"{k:04d}.npz").is_file()]
    with ProcessPoolExecutor(workers) as executor:
        found = executor.map(samples_of, [_FIRST_SEED + k for k in missing])
        for number, (k, samples) in enumerate(zip(missing, found, strict=True), 1):
            columns = {name: np.stack([getattr(sample, name) for sample in samples]) for name in _COLUMNS}
            with (folder / "unfinished").open("wb") as stream:
                np.savez(stream, **columns)
            (folder / "unfinished").replace(folder / f"{k:04d}.npz")
            print(f"batch {number} of {len(missing)}: {len(samples)} contours", flush=True)


def load_samples(folder: Path, batches: int) -> list[Tensor]:
    """Return the columns of all batches."""
    files = [np.load(folder / f"{k:04d}.npz") for k in range(batches)]
    return [torch.from_numpy(np.concatenate([file[name] for file in files]).astype(np.float32)) for name in _COLUMNS]


def train(columns: Sequence[Tensor], minutes: float) -> EdgeReader:
    """Train for some minutes, AdamW with a cosine schedule."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = EdgeReader(columns[0])
    optimiser = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=1e-4)
    begin, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        done = min(1.0, (time.monotonic() - begin) / (60 * minutes))
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1, (step + 1) / _WARM_UP) * (0.5 * (1 + np.cos(np.pi * done)) + 0.003)
        chosen = torch.randint(len(columns[0]), (_BATCH,), generator=generator)
        features, normals, offset, seen, pooling = (column[chosen] for column in columns)
        loss = loss_of(model(features, turned(normals, generator), pooling), offset, seen, pooling)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        step += 1
    print(f"{step} steps")
    return model


def error_of(model: EdgeReader, columns: Sequence[Tensor]) -> str:
    """Say how far off the reader is where it sees the contour."""
    features, normals, offset, seen, pooling = columns
    with torch.no_grad():
        answer = model(features, normals, pooling)
    error = (answer[..., 0] - offset).abs()[(seen > 0) & (pooling == 1)].numpy()
    return f"offset error px: median {np.median(error):.3f}, 90 % below {np.percentile(error, 90):.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make samples, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=150, help="of about 300 contours each")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--samples", type=Path, default=ROOT / ".cache" / "edge_samples")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    chosen = parser.parse_args(arguments)
    make_samples(chosen.samples, chosen.batches, chosen.workers)
    columns = load_samples(chosen.samples, chosen.batches)
    unseen = max(1, len(columns[0]) // 25)
    torch.set_num_threads(1)
    model = train([column[:-unseen] for column in columns], chosen.minutes)
    print(error_of(model, [column[-unseen:] for column in columns]))
    with chosen.out.open("wb") as stream:
        np.savez(stream, **{name: value.numpy() for name, value in model.state_dict().items()})
    print(f"written: {chosen.out}")


if __name__ == "__main__":
    main()
