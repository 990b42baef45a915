import numpy as np
import pytest
import shapely
from modeling_shapes import coverage_picture, plate, rectangle

from kontur.geometry import PixelPose, circle_contour, make_part
from kontur.modeling.decide import DecisionOptions, decide
from kontur.modeling.detections import from_poses
from kontur.modeling.duels import heard, lead, settle
from kontur.modeling.evidence import PointEvidence

HOLES = ((-20.0, 0.0), (0.0, 0.0), (20.0, 0.0))
SIZE_WH = (260, 200)


def weighed_of(found, counted=None):
    return found.evidence * (found.length_px if counted is None else counted)


def lead_of(one, other, found, counted=None):
    return lead(one, other, np.arange(len(found.evidence)), found, weighed_of(found, counted))


def settled(part, found):
    return settle(np.arange(len(part)), np.array(part), found, weighed_of(found))


def ring_points(x, y, radius, spacing=2.0):
    count = max(6, round(2 * np.pi * radius / spacing))
    angle = np.arange(count) * 2 * np.pi / count
    normals = np.column_stack([np.cos(angle), np.sin(angle)])
    return (x, y) + radius * normals, normals, np.full(count, 2 * np.pi * radius / count)


def evidence_of(shapes, at_hole, noise=0.0, moved=(0.0, 0.0), seed=0):
    """Evidence for discs of radius 50 with small holes at places: 1 at the rim (and noise), `at_hole` at each hole."""
    rng = np.random.default_rng(seed)
    rows = []
    for holes in shapes:
        pieces = [ring_points(*moved, 50.0), *(ring_points(*place, 4.0) for place in holes)]
        points, normals, length = (np.concatenate(values) for values in zip(*pieces, strict=True))
        values = np.concatenate(
            [1 + noise * rng.standard_normal(len(pieces[0][2]))]
            + [np.full(len(piece[2]), at_hole[place]) for piece, place in zip(pieces[1:], holes, strict=True)]
        )
        rows.append((points, normals, length, values))
    most = max(len(row[2]) for row in rows)
    padded = [
        np.stack([np.pad(row[k], [(0, most - len(row[k]))] + [(0, 0)] * (row[k].ndim - 1)) for row in rows])
        for k in range(4)
    ]
    return PointEvidence(*padded, padded[2].sum(axis=1), np.zeros_like(padded[2]))


def test_what_contours_share_does_not_count():
    found = evidence_of([HOLES[:2], HOLES[:2]], dict.fromkeys(HOLES, 2.0), noise=3.0)
    sums = (found.length_px * found.evidence).sum(axis=1)
    assert abs(sums[0] - sums[1]) > 30, "the rims differ by chance"
    assert abs(lead_of(0, 1, found)) < 0.5


@pytest.mark.parametrize("seen", [2.5, -1.2])
def test_a_lead_is_the_evidence_of_the_hole_that_one_has(seen):
    at_hole = {HOLES[0]: 1.0, HOLES[1]: seen}
    found = evidence_of([HOLES[:2], HOLES[:1]], at_hole, noise=2.0)
    expected = seen * 2 * np.pi * 4.0
    assert lead_of(0, 1, found) == pytest.approx(expected, abs=0.5)
    assert lead_of(1, 0, found) == pytest.approx(-expected, abs=0.5)


def test_points_count_by_their_distance_from_the_other_curve():
    """The gap is that of shapely's curve, not of its points: a contour shifted along itself has none."""
    one = np.column_stack([np.arange(0.0, 40.0, 2.0), np.full(20, 10.0)])
    normals, length = np.tile([0.0, 1.0], (20, 1)), np.full(20, 2.0)
    for shift in ((1.0, 0.0), (0.0, 0.6), (0.0, 2.0), (0.7, 5.0)):
        two = one + shift
        evidence = np.stack([np.full(20, 1.0), np.zeros(20)])
        found = PointEvidence(
            np.stack([one, two]), np.stack([normals] * 2), np.stack([length] * 2), evidence, np.full(2, 40.0), evidence
        )
        gap = shapely.distance(shapely.points(one[2:-2]), shapely.LineString(two))
        expected = (2.0 * (1 - np.exp(-((gap / 1.2) ** 2)))).sum()
        inner = np.zeros((2, 20))
        inner[0, 2:-2] = 2.0
        assert lead_of(0, 1, found, inner) == pytest.approx(expected, abs=1e-6)


def test_the_hole_wins_over_a_luckier_outline():
    found = evidence_of([HOLES[:1], HOLES[:2]], {HOLES[0]: 1.0, HOLES[1]: 1.5})
    found.evidence[0, : len(ring_points(0, 0, 50)[2])] += 0.4
    sums = (found.length_px * found.evidence).sum(axis=1)
    assert sums[0] > sums[1]
    outcome = settled([0, 1], found)
    assert outcome.winner == 1
    assert outcome.certainty > 0.95


def test_what_cannot_be_told_is_half_certain_and_one_part_in_two_poses_is_certain():
    found = evidence_of([HOLES[:1], HOLES[:2]], {HOLES[0]: 1.0, HOLES[1]: 0.0})
    assert settled([0, 1], found).certainty == pytest.approx(0.5, abs=0.01)
    assert settled([3, 3], found).certainty == 1.0


def test_each_other_part_is_doubted_once():
    found = evidence_of([HOLES[:1], HOLES[:2], HOLES[1:2], HOLES], dict.fromkeys(HOLES, 0.0))
    certainty = settled([0, 1, 1, 2], found).certainty
    assert certainty == pytest.approx(1 / 3, abs=0.01)


def test_points_that_do_not_count_decide_nothing():
    found = evidence_of([HOLES[:1], HOLES[:2]], {HOLES[0]: 1.0, HOLES[1]: 3.0})
    counted = found.length_px.copy()
    counted[1, len(counted[1]) - len(ring_points(*HOLES[1], 4.0)[2]) :] = 0
    assert abs(lead_of(1, 0, found, counted)) < 0.5


def test_only_what_is_close_behind_is_heard():
    assert heard(0, np.array([1000.0, 750.0, 650.0, -3.0])).tolist() == [True, True, False, False]
    assert heard(0, np.array([50.0, 5.0, -1.0])).tolist() == [True, True, False]


def holed(name, *places):
    return make_part(name, rectangle(60, 40), tuple(circle_contour(x, y, 2.5) for x, y in places))


def verdict(picture, parts, poses, **options):
    starts = from_poses(SIZE_WH, list(range(len(parts))), [0.5] * len(parts), poses)
    return decide(picture, starts, parts, DecisionOptions(**{"duels": True, **options}))


def _outline_at(part, reference, pose):
    """The pose that lays a plate's outline where the pose of another one has it: their datums differ."""
    middle = [(p.outer.points.min(axis=0) + p.outer.points.max(axis=0)) / 2 for p in (reference, part)]
    u, v = pose.apply((middle[0] - middle[1])[None])[0]
    return PixelPose(u, v, pose.angle_rad, pose.scale_px_per_mm)


@pytest.mark.parametrize("true", [0, 1])
@pytest.mark.parametrize("off_px", [0.3, 0.8])
def test_hypotheses_that_lie_unequally_well_are_decided_by_the_hole(true, off_px):
    """The part that is not there lies exactly on the outline, the true one beside it."""
    parts = (plate(3), plate(4))
    here = PixelPose(128.3, 99.6, 0.5, 1.5)
    picture = coverage_picture(parts[true], here, SIZE_WH, noise=3.0, rng=np.random.default_rng(4))
    poses = [_outline_at(part, parts[true], here) for part in parts]
    poses[true] = PixelPose(here.u + off_px, here.v, here.angle_rad, here.scale_px_per_mm)
    assert verdict(picture, parts, poses).part.tolist() == [true]


def test_a_part_whose_telling_hole_lies_outside_is_scored_as_a_guess():
    parts = holed("one", (20, 0)), holed("two", (20, 0), (-20, 0))
    pose = PixelPose(4.0, 100.0, 0.0, 1.5)
    picture = coverage_picture(parts[0], pose, SIZE_WH, noise=3.0, rng=np.random.default_rng(5))
    poses = [_outline_at(part, parts[0], pose) for part in parts]
    sure, guess = (verdict(picture, parts, poses, duels=duels) for duels in (False, True))
    assert len(sure) == len(guess) == 1
    assert guess.score[0] == pytest.approx(sure.score[0] / 2, rel=0.05)
    whole = PixelPose(120.0, 100.0, 0.0, 1.5)
    picture = coverage_picture(parts[0], whole, SIZE_WH, noise=3.0, rng=np.random.default_rng(5))
    sure, told = (
        verdict(picture, parts, [_outline_at(part, parts[0], whole) for part in parts], duels=duels)
        for duels in (False, True)
    )
    assert told.part.tolist() == [0]
    assert told.score[0] == pytest.approx(sure.score[0], rel=0.05)


def test_doubtful_scores_are_sorted_again():
    parts = holed("one", (20, 0)), holed("two", (20, 0), (-20, 0))
    clear, cut = PixelPose(170.0, 60.0, 0.3, 1.5), PixelPose(4.0, 130.0, 0.0, 1.5)
    poses = [_outline_at(part, parts[0], pose) for pose in (clear, cut) for part in parts]
    rng = np.random.default_rng(6)
    picture = np.maximum(*(coverage_picture(parts[0], pose, SIZE_WH, noise=2.0, rng=rng) for pose in (clear, cut)))
    starts = from_poses(SIZE_WH, [0, 1, 0, 1], [0.5] * 4, poses)
    found = decide(picture, starts, parts, DecisionOptions(duels=True))
    assert len(found) == 2
    assert (np.diff(found.score) <= 0).all()
    assert found.uv[0, 0] == pytest.approx(170.0)
