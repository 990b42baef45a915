"""What a user would pick instead of the matcher: rotated `matchTemplate`, and the generalized Hough transform.

All search the whole picture at half resolution in steps of 4 degrees, then around the best place at full resolution to 0.5
degrees, and refine place and angle by parabolas. They are told the scale, or try the scales they are given.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from kontur.geometry import Part, PixelPose

COARSE_DEG, FINE_DEG = 4.0, 0.5
_MARGIN_PX = 8
_WINDOW_PX = 6
_GRAIN = 0.02
Image = np.ndarray
Rival = Callable[[Image, Part, Sequence[float]], PixelPose | None]


def grey(picture: Image) -> Image:
    """Return (H, W) float32 grey levels."""
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)


def gradient(picture: Image) -> Image:
    """Return the root of the gradient magnitude, clipped at the 98th percentile of its edges."""
    soft = cv2.GaussianBlur(grey(picture), (0, 0), 1.0)
    size = cv2.magnitude(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    edges = size[size > 0.05 * size.max()]
    limited = np.sqrt(np.minimum(size, float(np.percentile(edges, 98)) if len(edges) else 1.0))
    grain = np.random.default_rng(0).standard_normal(size.shape, np.float32)
    return limited + _GRAIN * grain  # windows without any variance correlate with everything


def match_gradient(picture: Image, part: Part, scales: Sequence[float]) -> PixelPose | None:
    """`matchTemplate` (normalised, mean removed) on gradient magnitude."""
    return _match(picture, part, scales, gradient, (1.0,))


def match_grey(picture: Image, part: Part, scales: Sequence[float]) -> PixelPose | None:
    """`matchTemplate` on grey levels, both polarities."""
    return _match(picture, part, scales, grey, (1.0, -1.0))


def match_hough(picture: Image, part: Part, scales: Sequence[float]) -> PixelPose | None:
    """OpenCV's generalized Hough transform (Ballard), one template for each angle; no finer than its steps."""
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    best = _hough_best(grey(small).astype(np.uint8), part, [0.5 * s for s in scales], np.arange(0, 360, COARSE_DEG))
    if best is None:
        return None
    near = np.degrees(best.angle_rad) + np.arange(-COARSE_DEG, COARSE_DEG + 0.1, 1.0)
    return _hough_best(grey(picture).astype(np.uint8), part, [2 * best.scale_px_per_mm], near)


def _hough_best(image: Image, part: Part, scales: Sequence[float], angles_deg: Sequence[float]) -> PixelPose | None:
    finder = cv2.createGeneralizedHoughBallard()
    finder.setMinDist(20)
    finder.setLevels(90)
    finder.setDp(1)
    finder.setCannyHighThresh(80)
    finder.setCannyLowThresh(40)
    finder.setVotesThreshold(8)
    best, votes = None, 0.0
    for scale in scales:
        for angle in angles_deg:
            template, middle = _template(part, PixelPose(0, 0, float(np.radians(angle)), scale))
            finder.setTemplate(cv2.cvtColor(template, cv2.COLOR_BGR2GRAY))
            places, counts = finder.detect(image)
            if places is not None and counts[0][0][0] > votes:
                votes = float(counts[0][0][0])
                u, v = places[0][0][:2] - (np.array(template.shape[1::-1]) // 2 - middle)
                best = PixelPose(float(u), float(v), float(np.radians(angle)), scale)
    return best


def _match(
    picture: Image, part: Part, scales: Sequence[float], feature: Callable[[Image], Image], signs: Sequence[float]
) -> PixelPose | None:
    small = feature(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    tried = [
        (*_peak(small, part, PixelPose(0, 0, float(np.radians(angle)), 0.5 * scale), feature, sign), sign)
        for scale in scales
        for angle in np.arange(0, 360, COARSE_DEG)
        for sign in signs
    ]
    _, pose, sign = max(tried, key=lambda row: row[0])
    start = PixelPose(2 * pose.u + 0.5, 2 * pose.v + 0.5, pose.angle_rad, 2 * pose.scale_px_per_mm)
    turns = np.radians(np.arange(-COARSE_DEG, COARSE_DEG + 0.01, FINE_DEG))
    whole = feature(picture)
    rows = [_peak(whole, part, replace(start, angle_rad=start.angle_rad + t), feature, sign, near=True) for t in turns]
    scores = np.array([row[0] for row in rows])
    k = int(scores.argmax())
    best = rows[k][1]
    if 0 < k < len(rows) - 1:
        best = replace(best, angle_rad=best.angle_rad + np.radians(FINE_DEG) * vertex(*scores[k - 1 : k + 2]))
    return best


def _peak(
    image: Image, part: Part, pose: PixelPose, feature: Callable[[Image], Image], sign: float, near: bool = False
) -> tuple[float, PixelPose]:
    """Return the best correlation of the part at an angle and scale, in the whole picture or around the pose's place."""
    template, middle = _template(part, pose)
    pattern = feature(template)
    rows, columns = pattern.shape
    pad = max(rows, columns) // 2
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    left, top = 0, 0
    if near:
        left = max(0, round(pose.u - middle[0]) + pad - _WINDOW_PX)
        top = max(0, round(pose.v - middle[1]) + pad - _WINDOW_PX)
        padded = padded[top : top + rows + 2 * _WINDOW_PX, left : left + columns + 2 * _WINDOW_PX]
    if padded.shape[0] < rows or padded.shape[1] < columns:
        return -np.inf, pose
    score = sign * cv2.matchTemplate(padded, pattern, cv2.TM_CCOEFF_NORMED)
    _, value, _, (x, y) = cv2.minMaxLoc(score)
    dx = vertex(*score[y, x - 1 : x + 2]) if 0 < x < score.shape[1] - 1 else 0.0
    dy = vertex(*score[y - 1 : y + 2, x]) if 0 < y < score.shape[0] - 1 else 0.0
    u, v = x + left - pad + middle[0] + dx, y + top - pad + middle[1] + dy
    return value, replace(pose, u=float(u), v=float(v))


def _template(part: Part, pose: PixelPose) -> tuple[Image, np.ndarray]:
    """Return the part as bright on dark with a margin, and where its datum lies in it."""
    rings = [replace(pose, u=0.0, v=0.0).apply(contour.points) for contour in part.contours]
    low = np.floor(rings[0].min(axis=0)).astype(int) - _MARGIN_PX
    size = np.ceil(rings[0].max(axis=0)).astype(int) + _MARGIN_PX + 1 - low
    fine = np.zeros((size[1] * 4, size[0] * 4), np.uint8)
    cv2.fillPoly(fine, [np.round(((ring - low + 0.5) * 4 - 0.5) * 16).astype(np.int32) for ring in rings], 255, shift=4)
    share = cv2.resize(fine, tuple(size.tolist()), interpolation=cv2.INTER_AREA)
    return cv2.merge([60 + (share * 0.5).astype(np.uint8)] * 3), -low.astype(float)


def vertex(left: float, middle: float, right: float) -> float:
    """Return where the parabola through three equally spaced values has its top, in steps from the middle one."""
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
