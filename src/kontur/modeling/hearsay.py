"""What the network says beyond its hypotheses: which look-alike it takes a thing for, and what it is sure of without edges.

Look-alikes (see `look_alikes`) are told apart by a hole or two. Where texture or noise has edges by chance, or a hole hardly
any, their contours tell little, and the network, which learned what holes look like, tells more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.detections import Detections, concatenate
from kontur.modeling.kin import SAME_PLACE_PX
from kontur.modeling.masks import overlaps, placed_outlines
from kontur.modeling.proposals import Proposal

TOLD, LEAST_TOLD = 1.0, 0.003
"""What the logarithm of the network's probability is worth in units of evidence, and the least probability."""
_SURE, _LEAST_SUPPORT = 0.5, 0.25
"""The network's score from which a hypothesis is believed, and the share of its contour that must have an edge."""
_MOST_COVERED = 0.25
"""Share of its mask that what was accepted may cover."""

Floats = NDArray[np.float64]


def against_names(found: Detections, said: Proposal, alike: NDArray[np.bool_]) -> Floats:
    """Return (N,) the evidence against detections of which the network says that they are rather their look-alikes.

    Args:
        found: of known parts.
        said: what the network says of the picture.
        alike: (P, P) which parts are look-alikes, each of itself.
    """
    hypotheses, places, named = said.hypotheses, said.places, said.named
    if named is None or len(hypotheses) == 0 or len(found) == 0:
        return np.zeros(len(found))
    apart = np.linalg.norm(found.uv[:, None] - hypotheses.uv[None], axis=2)
    nearest = apart.argmin(axis=1)
    told = np.maximum(named[places[nearest]], LEAST_TOLD)
    best = np.where(alike[found.part], told, 0).max(axis=1)
    against = TOLD * np.log(best / told[np.arange(len(found)), found.part])
    return np.asarray(np.where(apart.min(axis=1) <= SAME_PLACE_PX, against, 0.0), np.float64)


def vouched_for(accepted: Detections, offered: Detections, parts: Sequence[Part]) -> Detections:
    """Return those registered hypotheses that the network is sure of, in places where nothing was accepted; score 0."""
    support = np.nan_to_num(offered.support)
    apart = np.linalg.norm(offered.uv[:, None] - accepted.uv[None], axis=2).min(axis=1, initial=np.inf)
    sure = np.flatnonzero((offered.score >= _SURE) & (support >= _LEAST_SUPPORT) & (apart > SAME_PLACE_PX))
    if len(sure) == 0:
        return offered[:0]
    sure = sure[np.argsort(-support[sure], kind="stable")]
    rings, masks = placed_outlines(concatenate([accepted, offered[sure]]), parts)
    shared, area = overlaps(rings, masks), masks[3]
    taken, kept = list(range(len(accepted))), []
    for k, row in enumerate(sure.tolist(), len(accepted)):
        covered = int(shared[k, taken].sum())
        if covered <= _MOST_COVERED * max(area[k], 0):  # masks that share nothing are not filled
            taken.append(k)
            kept.append(row)
    return offered[np.array(kept, np.int64)].scored(np.zeros(len(kept)))
