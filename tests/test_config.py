"""Configuration: defaults, and every fault at once with its line."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, field_validator

from kontur.config import Section, load_config
from kontur.errors import ConfigError


class Camera(Section):
    size_wh: tuple[int, int] = (640, 480)
    mm_per_px: tuple[float, float] = (0.5, 0.8)
    exposure: float = Field(1.0, gt=0)


class Config(Section):
    count: int = Field(10, ge=1)
    faces: str = "both"
    camera: Camera = Camera()


def load(tmp_path, text, model=Config):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_config(path, model)


def faults(tmp_path, text, model=Config):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, model)
    return str(caught.value).replace(str(tmp_path / "config.yaml"), "FILE")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "{}\n"])
def test_an_empty_file_gives_the_defaults(tmp_path, text):
    assert load(tmp_path, text) == Config()


def test_values_are_read_and_the_rest_keeps_its_default(tmp_path):
    config = load(tmp_path, "count: 3\ncamera:\n  size_wh: [320, 200]\n")
    assert (config.count, config.faces) == (3, "both")
    assert config.camera == Camera(size_wh=(320, 200))


def test_sections_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().count = 4


def test_all_faults_come_at_once_with_their_lines(tmp_path):
    text = "count: 0\n\ncamera:\n  size_wh: [640, tall]\n  exposre: 2\nface: up\n"
    assert faults(tmp_path, text) == (
        "4 faults: FILE:1: count: Input should be greater than or equal to 1; "
        "FILE:4: camera.size_wh.1: Input should be a valid integer, unable to parse string as an integer; "
        "FILE:5: camera.exposre: unknown key; did you mean exposure?; "
        "FILE:6: face: unknown key; did you mean faces?"
    )


def test_a_key_given_twice_is_a_fault(tmp_path):
    """YAML silently keeps the last of two, which is not what the reader of the file sees first."""
    text = "count: 1\ncamera:\n  exposure: 1\n  exposure: 2\ncount: 2\nother: 1\n"
    assert faults(tmp_path, text) == (
        "3 faults: FILE:4: camera.exposure: given twice; keep one; FILE:5: count: given twice; keep one; "
        "FILE:6: other: unknown key; remove it"
    )


def test_a_check_of_our_own_reads_like_the_others(tmp_path):
    class Range(Section):
        low_high: tuple[float, float]

        @field_validator("low_high")
        @classmethod
        def check(cls, value):
            if value[0] > value[1]:
                raise ValueError("expected low <= high")
            return value

    assert faults(tmp_path, "low_high: [2, 1]\n", Range) == "1 fault: FILE:1: low_high: expected low <= high"


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_values_that_are_not_finite_are_faults(tmp_path, value):
    assert "FILE:2: camera.exposure" in faults(tmp_path, f"camera:\n  exposure: {value}\n")


@pytest.mark.parametrize("text", ["[1, 2]\n", "just words\n", "3\n"])
def test_a_file_that_is_no_mapping_is_a_fault(tmp_path, text):
    assert faults(tmp_path, text).startswith("1 fault: FILE:1: (whole file): Input should be")


@pytest.mark.parametrize(
    ("text", "line"),
    [("count: 1\ncamera: [1, 2\n", 3), ("count: 1\n\tcamera: 2\n", 2), ("a: b: c\n", 1), ("a: *nowhere\n", 1)],
)
def test_broken_yaml_names_its_line(tmp_path, text, line):
    assert faults(tmp_path, text).startswith(f"FILE:{line}: not valid YAML (")


def test_a_date_that_does_not_exist_is_a_fault(tmp_path):
    assert faults(tmp_path, "faces: 2020-13-45\n").startswith(
        "FILE: a value that does not exist (month must be in 1..12"
    )


def test_control_characters_are_a_fault(tmp_path):
    assert "not valid YAML" in faults(tmp_path, "faces: \x07\n")


def test_a_missing_file_says_what_to_do(tmp_path):
    path = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path, Config)
    assert str(caught.value) == f"{path}: cannot be read (No such file or directory); `kontur new` writes a default one"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path, Config)


def test_latin_1_is_told(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes("faces: \u00fcber\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 7\)"):
        load_config(path, Config)


def test_python_objects_are_never_made(tmp_path):
    marker = tmp_path / "made"
    text = f"count: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{marker}']]\n"
    assert "not valid YAML" in faults(tmp_path, text)
    assert not marker.exists()


keys = st.text(st.sampled_from("abcdefgh"), min_size=5, max_size=9)


@given(unknown=st.lists(keys, min_size=1, max_size=6, unique=True), gaps=st.lists(st.integers(0, 3), min_size=6))
def test_every_unknown_key_is_named_on_its_own_line(tmp_path_factory, unknown, gaps):
    lines = []
    expected = []
    for key, gap in zip(unknown, gaps, strict=False):
        lines += ["# a comment"] * gap + [f"{key}: 1"]
        expected.append(f"FILE:{len(lines)}: {key}: unknown key")
    message = faults(tmp_path_factory.mktemp("config"), "\n".join(lines) + "\n")
    assert message.startswith(f"{len(unknown)} fault")
    assert all(text in message for text in expected)


@given(
    st.builds(
        Config,
        count=st.integers(1, 10**9),
        faces=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=9),
        camera=st.builds(Camera, exposure=st.floats(1e-6, 1e6)),
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
    assert load_config(path, Config) == config
