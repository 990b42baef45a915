"""`kontur match` and `kontur templates` on painted scenes of three easy parts, and on bad input."""

import json

import cv2
import ezdxf
import numpy as np
import pytest
import shapely
from pycocotools import mask as coco_mask

from kontur.cli.match import match as match_command
from kontur.drawing import read_parts
from kontur.geometry import PixelPose
from kontur.scaffold import create_workspace

SIZE_WH = (230, 180)
SCALE = ("0.62", "0.72")
PX_PER_MM = 1.5
TABLE, METAL = 60, 200
TRIANGLE = [(18 * np.cos(a), 18 * np.sin(a)) for a in np.pi / 2 + np.arange(3) * 2 * np.pi / 3]
SHAPES = {
    "bracket": ([[(0, 0), (40, 0), (40, 10), (12, 10), (12, 25), (0, 25)]], [(32, 5, 2.5)]),
    "triangle": ([TRIANGLE], []),
    "washer": ([], [(0, 0, 12), (0, 0, 6)]),
}
SYMMETRY = {"bracket": 1, "triangle": 3, "washer": 0}
SCENES = {
    "one.png": [
        ("bracket", PixelPose(60.3, 45.6, 0.4, PX_PER_MM)),
        ("washer", PixelPose(160.7, 50.2, 0.0, PX_PER_MM)),
        ("triangle", PixelPose(60.1, 125.4, 0.2, PX_PER_MM)),
        ("bracket", PixelPose(165.2, 128.8, 2.7, PX_PER_MM, True)),
    ],
    "two.png": [
        ("triangle", PixelPose(165.8, 60.25, 1.7, PX_PER_MM)),
        ("bracket", PixelPose(70.5, 105.75, 4.0, PX_PER_MM)),
    ],
}
"""What lies in each picture, in the parts' frames: datum px, turn, scale, face down."""


def paint(parts, placed):
    """A picture whose grey level at a pixel is mixed by how many of its 5 x 5 sub-pixels shapely says are inside."""
    offsets = (np.arange(5) - 2) / 5
    u, v = np.meshgrid(*((np.arange(size)[:, None] + offsets).ravel() for size in SIZE_WH))
    inside = np.zeros(u.shape, bool)
    for name, pose in placed:
        inside |= shapely.contains_xy(material(parts[name], pose), u, v)
    share = inside.reshape(SIZE_WH[1], 5, SIZE_WH[0], 5).mean(axis=(1, 3))
    return np.repeat(np.round(TABLE + (METAL - TABLE) * share).astype(np.uint8)[..., None], 3, axis=2)


def material(part, pose):
    rings = [pose.apply(contour.points) for contour in part.contours]
    return shapely.Polygon(rings[0], rings[1:])


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A workspace with three drawings."""
    folder = tmp_path_factory.mktemp("match")
    for name, (rings, circles) in SHAPES.items():
        document = ezdxf.new(units=4)
        for ring in rings:
            document.modelspace().add_lwpolyline(ring, close=True)
        for x, y, radius in circles:
            document.modelspace().add_circle((x, y), radius)
        document.saveas(folder / f"{name}.dxf")
    return create_workspace(folder / "workspace", sorted(folder.glob("*.dxf")))


@pytest.fixture(scope="module")
def parts(space):
    return {part.name: part for part in read_parts(sorted(space.drawings.iterdir()))[0]}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("pictures")
    for name, placed in SCENES.items():
        cv2.imwrite(str(folder / name), paint(parts, placed))
    return folder


@pytest.fixture
def match(run_kontur, space, tmp_path):
    def run(*words):
        return run_kontur("match", *words, "--out", tmp_path / "out", "-C", space.root, "--mm-per-px", *SCALE)

    return run


@pytest.fixture(scope="module")
def results(tmp_path_factory, space, pictures):
    """The folder that the command wrote for both pictures."""
    out = tmp_path_factory.mktemp("results") / "out"
    match_command([str(pictures)], out, workspace=space.root, mm_per_px=(float(SCALE[0]), float(SCALE[1])))
    return out


@pytest.fixture
def matched(results):
    """The entries of detections.json by picture."""
    return detections(results)


def detections(folder):
    document = json.loads((folder / "detections.json").read_text())
    return {image["file"]: image["detections"] for image in document["images"]}


def test_the_parts_are_found_where_they_were_painted(matched):
    assert list(matched) == list(SCENES)
    for file, placed in SCENES.items():
        assert len(matched[file]) == len(placed)
        for name, pose in placed:
            entry = min(matched[file], key=lambda e: np.hypot(e["pose_px"]["u"] - pose.u, e["pose_px"]["v"] - pose.v))
            assert entry["part"] == name
            assert_near(entry["pose_px"], pose, SYMMETRY[name])
            if name == "bracket":
                assert entry["flipped"] is pose.flipped


def assert_near(found, pose, symmetry):
    """Within 0.3 px, 0.5 degrees and half a per cent of scale."""
    assert np.hypot(found["u"] - pose.u, found["v"] - pose.v) < 0.3
    assert found["scale_px_per_mm"] == pytest.approx(PX_PER_MM, rel=0.005)
    if symmetry:
        period = 360 / symmetry
        off = (found["angle_deg"] - np.degrees(pose.angle_rad) + period / 2) % period - period / 2
        assert abs(off) < 0.5


def test_the_masks_are_the_painted_material(matched, parts):
    u, v = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    for file, placed in SCENES.items():
        for entry in matched[file]:
            pose = min(
                (pose for name, pose in placed if name == entry["part"]), key=lambda p: abs(p.u - entry["pose_px"]["u"])
            )
            truth = shapely.contains_xy(material(parts[entry["part"]], pose), u, v)
            mask = coco_mask.decode(entry["mask"]).astype(bool)
            assert mask.shape == truth.shape == SIZE_WH[::-1]
            assert (mask & truth).sum() / (mask | truth).sum() > 0.95


def test_every_score_is_between_0_and_1(matched):
    scores = [entry["score"] for entries in matched.values() for entry in entries]
    assert all(0 < score <= 1 for score in scores)


def test_the_same_files_as_of_detect_are_written(results, pictures):
    assert {path.name for path in results.iterdir()} == {"detections.json", "coco.json", "overlays"}
    assert sorted(path.name for path in (results / "overlays").iterdir()) == sorted(SCENES)
    overlay = cv2.imread(str(results / "overlays" / "one.png"))
    assert overlay.shape == (SIZE_WH[1], SIZE_WH[0], 3)
    assert (overlay != cv2.imread(str(pictures / "one.png"))).any()
    rows = json.loads((results / "coco.json").read_text())
    assert len(rows) == sum(len(placed) for placed in SCENES.values())
    assert all({"image_id", "category_id", "segmentation", "score"} <= set(row) for row in rows)


def test_the_table_tells_every_part(match, pictures):
    said = match(pictures / "two.png")
    rows = [line for line in said.out.splitlines() if "two.png" in line]
    assert sorted(next(name for name in SHAPES if name in row) for row in rows) == ["bracket", "triangle"]
    assert "2 parts in 1 pictures" in said.out


def test_json_is_alone_on_standard_output_and_equals_the_file(match, pictures, tmp_path):
    said = match(pictures / "two.png", "--json")
    assert json.loads(said.out) == json.loads((tmp_path / "out" / "detections.json").read_text())


def test_an_empty_table_gives_no_parts(match, tmp_path):
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((SIZE_WH[1], SIZE_WH[0], 3), TABLE, np.uint8))
    assert match(tmp_path / "empty.png").code == 0
    assert detections(tmp_path / "out") == {"empty.png": []}


def test_a_bad_picture_is_named_and_the_good_one_is_done(match, pictures, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    said = match(tmp_path / "bad.png", pictures / "two.png")
    assert said.code == 2
    assert "bad.png" in said.err and "Traceback" not in said.err
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert [image["file"] for image in document["images"]] == ["two.png"]


def test_no_good_picture_writes_nothing(match, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    assert match(tmp_path / "bad.png").code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["none.png", "*.jpg", "folder"])
def test_a_source_without_pictures_is_one_line(match, tmp_path, source):
    (tmp_path / "folder").mkdir()
    said = match(tmp_path / source)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1 and "no pictures" in said.err


@pytest.mark.parametrize("scale", [("0", "1"), ("0.9", "0.5"), ("-1", "2"), ("0.5", "inf"), ("nan", "1")])
@pytest.mark.parametrize("command", ["match", "templates"])
def test_a_wrong_scale_is_refused(run_kontur, space, pictures, tmp_path, command, scale):
    words = [pictures, "--out", tmp_path / "out"] if command == "match" else []
    said = run_kontur(command, *words, "-C", space.root, "--mm-per-px", *scale)
    assert (said.code, said.out) == (2, "")
    assert "0 < LOW <= HIGH" in said.err


@pytest.mark.parametrize("command", ["match", "templates"])
def test_a_workspace_without_drawings_says_where_to_put_them(run_kontur, pictures, tmp_path, command):
    bare = create_workspace(tmp_path / "bare", [])
    words = [pictures, "--out", tmp_path / "out"] if command == "match" else []
    said = run_kontur(command, *words, "-C", bare.root)
    assert said.code == 2
    assert str(bare.drawings) in said.err and "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_the_templates_are_stored_once_and_listed(run_kontur, space, results):
    assert results.is_dir()
    before = {path: path.stat().st_mtime_ns for path in space.templates.iterdir()}
    said = run_kontur("templates", "-C", space.root, "--mm-per-px", *SCALE, "--json")
    assert {path: path.stat().st_mtime_ns for path in space.templates.iterdir()} == before
    rows = json.loads(said.out)["templates"]
    assert sorted(part["name"] for row in rows for part in row["parts"]) == sorted(SHAPES)
    table = run_kontur("templates", "-C", space.root, "--mm-per-px", *SCALE)
    for row in rows:
        assert row["px_per_mm"] == pytest.approx([1 / float(SCALE[1]), 1 / float(SCALE[0])])
        assert row["templates"] > 0
        assert row["file"] in table.out and "0.62 .. 0.72" in table.out
