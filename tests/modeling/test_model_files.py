"""What model files say of themselves, and which file a runtime reads."""

import onnx
import pytest
from network_files import make_models
from test_checkpoint import info

from kontur.errors import ModelError
from kontur.modeling.model_files import WEIGHTS_KEY, exported_path, find_model, read_model_file
from kontur.modeling.runtimes import RuntimeChoice


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return make_models(tmp_path_factory.mktemp("files"))


def test_what_is_read_is_what_onnx_reads(space):
    stored = {entry.key: entry.value for entry in onnx.load(space.onnx).metadata_props}
    said = read_model_file(space.onnx)
    assert said.weights == stored[WEIGHTS_KEY]
    assert len(said.weights) == 64
    assert said.info == info()


@pytest.mark.parametrize("keys", [{}, {"another": "key"}])
def test_a_file_of_another_program_is_refused(space, tmp_path, keys):
    model = onnx.load(space.onnx)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, keys)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="not exported by kontur"):
        read_model_file(tmp_path / "m.onnx")


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_a_file_that_was_cut_off_is_refused(space, tmp_path, share):
    data = space.onnx.read_bytes()
    (tmp_path / "m.onnx").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"export again|not exported by kontur"):
        read_model_file(tmp_path / "m.onnx")


@pytest.mark.parametrize("text", ["", "<net", "<net/>", "<net><rt_info><kontur/></rt_info></net>"])
def test_damaged_xml_is_refused(tmp_path, text):
    (tmp_path / "m.xml").write_text(text)
    with pytest.raises(ModelError):
        read_model_file(tmp_path / "m.xml")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (("onnxruntime", "fp32"), "checkpoint.onnx"),
        (("onnxruntime", "int8"), "checkpoint.int8.onnx"),
        (("openvino", "fp32"), "checkpoint.onnx"),
        (("openvino", "bf16"), "checkpoint.onnx"),
        (("openvino", "int8"), "checkpoint.int8.onnx"),
        (("opencv", "fp32"), "checkpoint.onnx"),
        (("pytorch", "bf16"), "checkpoint.pth"),
    ],
)
def test_which_file_an_engine_reads_where_only_the_usual_ones_are(space, choice, expected):
    assert find_model(space, RuntimeChoice(*choice)).name == expected


def test_a_file_of_other_weights_is_refused(tmp_path, space):
    mixed = make_models(tmp_path, seed=1)
    exported_path(mixed, ".onnx", "int8").write_bytes(space.onnx.read_bytes())
    with pytest.raises(ModelError, match=r"int8\.onnx: made from other weights than checkpoint\.onnx; export it again"):
        find_model(mixed, RuntimeChoice("onnxruntime", "int8"))
