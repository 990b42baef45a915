"""Which plane a drawing lies in, and its points in that plane."""

from dataclasses import replace

import numpy as np

from kontur.drawing.entities import Points3, Strand

FLAT_RELATIVE = 1e-4
"""Deviation from a plane, relative to the drawing's size, up to which it counts as flat."""

XY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def find_plane(strands: list[Strand]) -> tuple[Points3, bool]:
    """Return the (2, 3) axes of the plane the strands are drawn in, and whether they are flat there.

    Drawings are seen from above where each strand lies at one height (strands may lie at different heights), otherwise
    from the front (x, z), from the right (y, z), or along the normal of any other plane that holds everything.
    """
    everything = np.concatenate([strand.points for strand in strands])
    size = np.ptp(everything, axis=0)
    heights = max(float(np.ptp(strand.points[:, 2])) for strand in strands)
    if heights <= FLAT_RELATIVE * size.max():
        return XY, True
    if size.min() <= FLAT_RELATIVE * size.max():
        return np.delete(np.eye(3), int(size.argmin()), axis=0), True
    _, spread, axes = np.linalg.svd(everything - everything.mean(axis=0), full_matrices=False)
    return (axes[:2], True) if spread[2] <= FLAT_RELATIVE * spread[0] else (XY, False)


def projected(strand: Strand, axes: Points3, mm: float) -> Strand:
    """Return the strand with (N, 2) points in mm along `axes`; exact circles stay so where they are parallel to them."""
    arc = None
    if strand.arc is not None:
        depth = strand.points @ np.cross(axes[0], axes[1])
        if np.ptp(depth) <= FLAT_RELATIVE * strand.arc[3]:
            x, y = axes @ np.array(strand.arc[:3]) * mm
            arc = (float(x), float(y), 0.0, strand.arc[3] * mm)
    return replace(strand, points=strand.points @ axes.T * mm, arc=arc)
