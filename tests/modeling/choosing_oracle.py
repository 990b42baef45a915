"""The greedy choice of `choosing`, written plainly: whole pictures, nothing remembered from step to step."""

import numpy as np
from scipy.ndimage import distance_transform_edt


def choose_plainly(found, masks, trust, limits):
    """Return (index, score) of the accepted hypotheses.

    `found` are points, lengths, evidence and whole lengths, as PointEvidence has them; `masks` (H, W) bool.
    """
    points, length, evidence, whole = found
    least_score, least_visible, most_overlap, reach, least_shown, doubt = limits
    height, width = masks[0].shape
    u, v = (np.clip(np.round(points[..., k]), 0, size - 1).astype(int) for k, size in ((0, width), (1, height)))
    covered, explained = np.zeros((height, width), bool), np.zeros((height, width), bool)
    left, accepted = set(range(len(masks))), []

    def judge(n):
        own = length[n] * evidence[n] * ~explained[v[n], u[n]]
        bare = ~covered[v[n], u[n]]
        gain, seen = own.sum(), length[n].sum()
        shown = (masks[n] & ~covered).sum() / max(1, masks[n].sum())
        if (own * bare).sum() > gain and shown >= least_shown:
            gain, seen = (own * bare).sum(), (length[n] * bare).sum()
        return trust[n] * gain, trust[n] * gain / (seen + doubt[0] + doubt[1] * (whole[n] - seen)), seen / whole[n]

    while left:
        verdicts = {n: judge(n) for n in sorted(left)}
        best = max(verdicts, key=lambda n: verdicts[n][0])
        gain, score, visible = verdicts[best]
        if gain <= 0:
            break
        left.remove(best)
        if score < least_score or visible < least_visible or crowded(masks, best, accepted, most_overlap):
            continue
        accepted.append((best, score))
        covered |= masks[best]
        spots = np.ones((height, width), bool)
        spots[v[best][length[best] > 0], u[best][length[best] > 0]] = False
        explained |= distance_transform_edt(spots) <= reach
    return accepted


def crowded(masks, index, accepted, most):
    smaller = (max(1, min(masks[index].sum(), masks[other].sum())) for other, _ in accepted)
    shared = ((masks[index] & masks[other]).sum() for other, _ in accepted)
    return any(pixels > most * size for pixels, size in zip(shared, smaller, strict=True))
