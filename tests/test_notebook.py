"""The notebook runs from top to bottom in a small workspace, and is kept without outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from kontur.scaffold import TEMPLATES

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "EDA.ipynb"


def test_new_workspaces_get_the_same_notebook():
    assert TEMPLATES["EDA.ipynb"] == "notebooks/EDA.ipynb"
    assert (ROOT / "src" / "kontur" / "templates" / "EDA.ipynb").read_bytes() == NOTEBOOK.read_bytes()


def test_it_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_imports_the_package_and_little_else():
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code")
    modules = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert modules == {"dataclasses", "pathlib", "numpy", "IPython", "kontur"}


@pytest.mark.slow
def test_it_runs_in_a_workspace(tmp_path, finished_workspace):
    root = Path(shutil.copytree(finished_workspace, tmp_path / "workspace"))
    notebook = nbformat.read(root / "notebooks" / "EDA.ipynb", 4)
    for place in (root / "notebooks", root):
        client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(place)}})
        client.execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.output_type in ("error", "stream")]
        assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
        tables = "".join(output.get("data", {}).get("text/markdown", "") for output in outputs)
        assert all(name in tables for name in ("ring", "bar", "bracket", "train", "val", "test"))
    assert {path.name for path in (root / "reports" / "eda").iterdir()} == {
        "parts.png", "classes.png", "poses.png", "positions.png", "samples.png", "sample.png",
    }  # fmt: skip
