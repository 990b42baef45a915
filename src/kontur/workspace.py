"""Where things lie in a workspace: the tree of names that every command shares."""

from dataclasses import dataclass
from pathlib import Path

from kontur.errors import WorkspaceError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Workspace:
    """A folder with drawings, pictures, configuration, data and models."""

    root: Path

    @property
    def data_config(self) -> Path:
        """configs/data_config.yaml: drawings, scenes, camera."""
        return self.root / "configs" / "data_config.yaml"

    @property
    def train_config(self) -> Path:
        """configs/train_config.yaml: network, training, detection."""
        return self.root / "configs" / "train_config.yaml"

    @property
    def service_config(self) -> Path:
        """configs/service_config.yaml: limits and habits of the service."""
        return self.root / "configs" / "service_config.yaml"

    @property
    def drawings(self) -> Path:
        """The user's DXF files; never written to."""
        return self.root / "data" / "raw" / "dxf_templates"

    @property
    def backgrounds(self) -> Path:
        """The user's photographs, used as backgrounds; never written to."""
        return self.root / "data" / "raw" / "images"

    @property
    def processed(self) -> Path:
        """Generated pictures and masks, by split."""
        return self.root / "data" / "processed"

    @property
    def manifest(self) -> Path:
        """What the data set was made from: seed, configuration, hashes, versions."""
        return self.processed / "manifest.json"

    @property
    def coco(self) -> Path:
        """COCO annotation files, one per split."""
        return self.root / "data" / "annotations" / "coco"

    @property
    def yolo(self) -> Path:
        """YOLO labels and data.yaml."""
        return self.root / "data" / "annotations" / "yolo"

    @property
    def models(self) -> Path:
        """Trained networks and templates."""
        return self.root / "models"

    @property
    def checkpoint(self) -> Path:
        """The trained network."""
        return self.models / "checkpoint.pth"

    @property
    def onnx(self) -> Path:
        """The exported network."""
        return self.models / "checkpoint.onnx"

    @property
    def templates(self) -> Path:
        """Templates of the matcher."""
        return self.models / "opencv_templates"

    @property
    def runs(self) -> Path:
        """Training logs (CSV, TensorBoard) and the state that a resume starts from."""
        return self.models / "runs"

    @property
    def reports(self) -> Path:
        """Evaluation results, plots and pages."""
        return self.root / "reports"


def open_workspace(root: Path) -> Workspace:
    """Return the workspace at `root`.

    Raises:
        WorkspaceError: no configs/data_config.yaml there.
    """
    workspace = Workspace(root)
    if not workspace.data_config.is_file():
        raise WorkspaceError(
            f"{root}: not a workspace (no configs/data_config.yaml); make one with `kontur new {root}`"
        )
    return workspace
