"""What pip installs: the wheel, not the checkout."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from kontur.scaffold import TEMPLATES

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow

# Whatever the clean environment lacks is taken from this one, except the packages of the train and dev extras.
HIDDEN = ("torch", "lightning", "pytorch_lightning", "onnx", "tensorboard", "pytest", "hypothesis")

BLOCKER = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
sys.path.append({packages!r})
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True)
    (path,) = folder.glob("kontur-*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of a fresh environment: the wheel, and what it needs to run, but nothing that training needs."""
    folder = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    interpreter = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", interpreter]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    packages = next(path for path in map(Path, sys.path) if (path / "numpy").is_dir())
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "blocker.py").write_text(BLOCKER.format(hidden=set(HIDDEN), packages=str(packages)))
    (site / "blocker.pth").write_text("import blocker\n")
    return interpreter


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"kontur", f"{wheel.name.split('-py3')[0]}.dist-info"}
    package = ROOT / "src" / "kontur"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {f"kontur/{path.relative_to(package)}" for path in files} <= names
    assert {f"kontur/templates/{name}" for name in TEMPLATES} <= names
    assert "kontur/py.typed" in names
    assert not [name for name in names if "__pycache__" in name]


def test_the_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    info = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
    metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"train", "openvino", "serve", "dask", "all"} <= set(metadata.get_all("Provides-Extra"))
    assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "kontur = kontur.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


def test_the_installed_command_makes_a_workspace(python, tmp_path):
    script = python.parent / "kontur"
    subprocess.run([script, "new", tmp_path / "w"], check=True, cwd=tmp_path)
    assert {place for place in TEMPLATES.values() if (tmp_path / "w" / place).is_file()} == set(TEMPLATES.values())


def test_what_is_tested_is_the_installed_package(python):
    code = "import kontur; print(kontur.__file__)"
    place = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout
    assert Path(place.strip()).is_relative_to(python.parent.parent)


def test_detecting_needs_nothing_of_the_train_extra(python):
    code = "import kontur.modeling.inference, kontur.modeling.results, kontur.visualization.overlay, kontur.drawing"
    subprocess.run([python, "-c", code], check=True, cwd="/")


def test_exporting_without_its_extra_says_what_to_install(python, tmp_path):
    script = python.parent / "kontur"
    subprocess.run([script, "new", "w"], check=True, cwd=tmp_path)
    said = subprocess.run([script, "export", "-C", "w"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert said.returncode == 2
    assert said.stderr.startswith("error: ")
    assert "kontur[train]" in said.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with a drawing, an untrained network for it, exported here, and a picture."""
    import cv2
    import ezdxf
    import numpy as np
    import torch

    from kontur.drawing import find_drawings, read_parts
    from kontur.modeling.checkpoint import save_checkpoint
    from kontur.modeling.export import export_onnx
    from kontur.modeling.model_info import ModelInfo, known_parts
    from kontur.modeling.network import Network
    from kontur.scaffold import create_workspace

    folder = tmp_path_factory.mktemp("detect")
    document = ezdxf.new(units=4)
    document.modelspace().add_lwpolyline([(0, 0), (60, 0), (60, 20), (0, 20)], close=True)
    document.saveas(folder / "bar.dxf")
    space = create_workspace(folder / "workspace", find_drawings([folder]))
    parts, _ = read_parts(find_drawings([space.drawings]))
    torch.manual_seed(0)
    save_checkpoint(space.checkpoint, Network(1, "n"), ModelInfo(known_parts(parts), "n", (0.5, 0.9), "up", "tests"))
    export_onnx(space.checkpoint, space.onnx)
    cv2.imwrite(str(folder / "picture.png"), np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8))
    return space.root, folder / "picture.png"


def test_the_installed_command_detects_without_torch(python, trained, tmp_path):
    root, picture = trained
    script = python.parent / "kontur"
    subprocess.run([script, "detect", picture, "--out", tmp_path / "out", "-C", root], check=True, cwd=tmp_path)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"detections.json", "coco.json", "overlays"}


@pytest.mark.parametrize(("runtime", "extra"), [("pytorch", "train")])
def test_a_runtime_that_is_not_installed_says_what_to_install(python, trained, tmp_path, runtime, extra):
    root, picture = trained
    command = [python.parent / "kontur", "detect", picture, "--out", tmp_path, "-C", root, "--runtime", runtime]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert said.returncode == 2
    assert f"kontur[{extra}]" in said.stderr
