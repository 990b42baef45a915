"""A second opinion on areas: ezdxf's own drawing frontend, rendered to lines of pixels and flood-filled.

No code of the reader is used: what a viewer would show is drawn, and the areas between the lines are told apart by how many
lines must be crossed to reach them from outside.
"""

import cv2
import numpy as np
from ezdxf.addons.drawing import Frontend, RenderContext
from ezdxf.addons.drawing.config import Configuration, HatchPolicy, LinePolicy, TextPolicy
from ezdxf.addons.drawing.recorder import Recorder

_PIXELS = 3000
_FLATTENING_SHARE = 1e-4


def raster_area(document):
    """Area of odd depth in squared drawing units."""
    lines = _lines(document)
    points = np.concatenate(lines)
    low, size = points.min(axis=0), float(np.ptp(points, axis=0).max())
    scale = _PIXELS / size
    width, height = (np.ptp(points, axis=0) * scale).astype(int) + 12
    ink = np.zeros((height, width), np.uint8)
    for line in lines:
        cv2.polylines(ink, [np.round(((line - low) * scale + 6) * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)
    return _odd_pixels(ink) / scale**2


def _odd_pixels(ink):
    count, labels = cv2.connectedComponents((ink == 0).astype(np.uint8), connectivity=4)
    depth = np.full(count, -1)
    depth[0], front, level = -2, [labels[0, 0]], 0
    while front:
        depth[front] = level
        reach = cv2.dilate(np.isin(labels, front).astype(np.uint8), np.ones((5, 5), np.uint8))
        near = np.unique(labels[reach.astype(bool)])
        front = [label for label in near if depth[label] == -1]
        level += 1
    odd = np.isin(labels, np.flatnonzero((depth > 0) & (depth % 2 == 1)))
    return int(odd.sum()) + np.count_nonzero(ink) / 2


def _lines(document):
    recorder = Recorder()
    config = Configuration(
        line_policy=LinePolicy.SOLID, text_policy=TextPolicy.IGNORE, hatch_policy=HatchPolicy.IGNORE,
        max_flattening_distance=1e-3,
    )  # fmt: skip
    Frontend(RenderContext(document), recorder, config).draw_layout(document.modelspace())
    player = recorder.player()
    box = player.bbox()
    distance = _FLATTENING_SHARE * max(box.size.x, box.size.y)
    found = []
    for record, _ in player.recordings():
        if hasattr(record, "path"):
            found.append(np.array([(v.x, v.y) for v in record.path.to_path().flattening(distance)]))
        elif hasattr(record, "points") or hasattr(record, "lines"):
            pairs = hasattr(record, "lines")
            vertices = np.array([(v.x, v.y) for v in (record.lines if pairs else record.points).vertices()])
            found += list(vertices.reshape(-1, 2, 2)) if pairs else [vertices]
    return [line for line in found if len(line) > 1]
