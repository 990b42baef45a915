"""Make a workspace: the tree of folders, commented configuration, a short README and copies of the user's drawings."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from kontur.errors import WorkspaceError
from kontur.workspace import SPLITS, Workspace

TEMPLATES = {
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "data_config.yaml": "configs/data_config.yaml",
    "train_config.yaml": "configs/train_config.yaml",
    "service_config.yaml": "configs/service_config.yaml",
    "EDA.ipynb": "notebooks/EDA.ipynb",
}
"""File among the package's templates -> its place in a workspace."""

_PACKAGED = Path(__file__).parent / "templates"


def example_drawings() -> list[Path]:
    """Return the example drawings that the package brings along, sorted by name."""
    return sorted((_PACKAGED / "drawings").glob("*.dxf"))


def create_workspace(root: Path, drawings: Sequence[Path] = ()) -> Workspace:
    """Make a workspace at `root` and copy `drawings` into it. It appears complete or not at all.

    `root` may exist, as long as it holds none of the names that a workspace brings.

    Raises:
        WorkspaceError: a workspace or other files are in the way, two drawings share a name, or `root` cannot be written.
    """
    root = root.absolute()
    _refuse_overwriting(root)
    _refuse_equal_names(drawings)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kontur-new-", dir=root if root.is_dir() else root.parent) as folder:
            staged = Path(folder) / root.name
            _fill(Workspace(staged), drawings)
            _move(staged, root)
    except OSError as error:
        raise WorkspaceError(
            f"{root}: cannot be made ({error.strerror or error}); free space or check rights"
        ) from error
    return Workspace(root)


def _refuse_overwriting(root: Path) -> None:
    if Workspace(root).data_config.exists():
        raise WorkspaceError(f"{root}: is a workspace already, nothing was changed; name another folder")
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"{root}: is a file; name another folder")
    names = {Path(target).parts[0] for target in TEMPLATES.values()} | {"data", "models"}
    if taken := sorted(name for name in names if (root / name).exists()):
        raise WorkspaceError(f"{root}: {', '.join(taken)} would be overwritten; move it away or name another folder")


def _refuse_equal_names(drawings: Iterable[Path]) -> None:
    counts = Counter(path.name for path in drawings)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise WorkspaceError(f"{', '.join(twice)}: several drawings have this file name; rename all but one")


def _fill(workspace: Workspace, drawings: Iterable[Path]) -> None:
    folders = [workspace.processed / split / kind for split in SPLITS for kind in ("images", "masks")]
    folders += [workspace.backgrounds, workspace.drawings, workspace.coco, workspace.yolo, workspace.templates]
    folders.append(workspace.root / "notebooks")
    for folder in folders:
        folder.mkdir(parents=True)
    for name, target in TEMPLATES.items():
        path = workspace.root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((_PACKAGED / name).read_bytes())
    for drawing in drawings:
        shutil.copyfile(drawing, workspace.drawings / drawing.name)


def _move(staged: Path, root: Path) -> None:
    """Move the finished tree into place: in one step, or entry by entry into a folder that exists."""
    if not root.exists():
        staged.rename(root)
        return
    moved: list[Path] = []
    try:
        for entry in sorted(staged.iterdir(), key=lambda path: path.name == "configs"):
            moved.append(entry.rename(root / entry.name))
    except OSError:
        for entry in moved:
            entry.rename(staged / entry.name)
        raise
