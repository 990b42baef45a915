from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from kontur.data_preprocessing.data_config import DataConfig, load_data_config
from kontur.data_preprocessing.presets import PRESETS
from kontur.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "src/kontur/templates/data_config.yaml"


def keys_of(model) -> set[str]:
    found = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        found |= {f"{name}.{key}" for key in keys_of(value)} if isinstance(value, BaseModel) else {name}
    return found


def test_the_commented_file_is_the_default():
    assert load_data_config(DEFAULT) == DataConfig()
    assert (ROOT / "configs/data_config.yaml").read_text() == DEFAULT.read_text()


def test_the_commented_file_names_every_key_and_comments_it():
    document = yaml.safe_load(DEFAULT.read_text())
    named = {
        f"{section}.{key}" if isinstance(value, dict) else section
        for section, value in document.items()
        for key in (value if isinstance(value, dict) else [""])
    }
    assert named == keys_of(DataConfig())
    rows = [row for row in DEFAULT.read_text().splitlines() if ":" in row.split("#")[0] and row.startswith("  ")]
    assert all("#" in row for row in rows)


def test_all_faults_are_listed_with_their_lines(tmp_path):
    path = tmp_path / "data_config.yaml"
    path.write_text(
        "faces: sideways\n"
        "camera:\n"
        "  size_wh: [640, 4]\n"
        "  mm_per_px: [0.9, 0.5]\n"
        "  tilt_deg: [0, 60]\n"
        "scene:\n"
        "  pil: 0.5\n"
        "background:\n"
        "  kinds: {lawn: 1}\n"
        "materials:\n"
        "  kinds: {paint: 0}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_data_config(path)
    text = str(caught.value)
    for line, key in ((1, "faces"), (3, "size_wh"), (4, "mm_per_px"), (7, "pil"), (9, "lawn"), (11, "kinds")):
        assert f"{path}:{line}: " in text
        assert key in text
    assert text.startswith("6 faults")


def test_a_tilt_beyond_what_the_model_holds_for_is_refused():
    with pytest.raises(ValidationError, match="tilt_deg"):
        DataConfig.model_validate({"camera": {"tilt_deg": (0, 60)}})


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_lays_its_values_over_those_of_the_file(name):
    document = yaml.safe_load(DEFAULT.read_text())
    config = DataConfig.model_validate({**document, "preset": name})
    for section, keys in PRESETS[name].items():
        for key, value in keys.items():
            assert getattr(getattr(config, section), key) == value
    assert config.camera.size_wh == DataConfig().camera.size_wh


def test_another_scale():
    config = DataConfig().with_scale((0.2, 0.4))
    assert config.camera.mm_per_px == (0.2, 0.4)
    assert config.scene == DataConfig().scene
    assert DataConfig().with_scale(None) == DataConfig()
