"""Banks in files: what is read is what was written, and what does not fit is not read."""

import io

import numpy as np
import pytest
from modeling_shapes import bracket, disc, plate

from kontur.errors import ModelError
from kontur.modeling import template_store
from kontur.modeling.template_store import bank_key, bank_path, open_banks, read_bank, stored_banks
from kontur.modeling.templates import BankOptions

OPTIONS = BankOptions(radius_cells=6, angle_cells=3, scale_step=1.2, rank=12)
PARTS = (bracket(), disc(20.0))
SCALES = (1.0, 1.25)


def archive(**arrays):
    """The bytes of an .npz file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def lone_array():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def assert_equal(bank, other):
    assert (bank.reduction, bank.cell_px, bank.size) == (other.reduction, other.cell_px, other.size)
    np.testing.assert_array_equal(bank.basis, other.basis)
    np.testing.assert_array_equal(bank.coefficients, other.coefficients)
    assert len(bank.groups) == len(other.groups)
    for a, b in zip(bank.groups, other.groups, strict=True):
        assert (a.part, a.flipped, a.scale_px_per_mm, a.radius_cells, a.rows) == (
            b.part, b.flipped, b.scale_px_per_mm, b.radius_cells, b.rows,
        )  # fmt: skip
        np.testing.assert_array_equal(a.angles_rad, b.angles_rad)


def test_a_bank_is_built_once_and_read_afterwards(tmp_path, monkeypatch):
    (built,) = open_banks(tmp_path, PARTS, SCALES, "both", OPTIONS)
    (file,) = tmp_path.iterdir()
    assert file == bank_path(tmp_path, bank_key(PARTS, SCALES, "both", OPTIONS))
    monkeypatch.setattr(template_store, "build_bank", None)
    (again,) = open_banks(tmp_path, PARTS, SCALES, "both", OPTIONS)
    assert_equal(built, again)
    assert built.basis.dtype == again.basis.dtype == np.float32


@pytest.mark.parametrize(
    "change",
    [
        {"parts": (bracket(), disc(14.0))},
        {"parts": (disc(), bracket())},
        {"parts": (bracket(),)},
        {"parts": (bracket(), plate(3, "disc"))},
        {"px_per_mm": (1.0, 1.26)},
        {"faces": "up"},
        {"options": BankOptions(radius_cells=6, angle_cells=3, scale_step=1.2, rank=13)},
    ],
)
def test_anything_else_goes_to_another_file(tmp_path, change):
    values = {"parts": PARTS, "px_per_mm": SCALES, "faces": "both", "options": OPTIONS}
    assert bank_path(tmp_path, bank_key(**values)) != bank_path(tmp_path, bank_key(**values | change))


def test_a_changed_drawing_builds_a_new_bank_beside_the_old_one(tmp_path):
    open_banks(tmp_path, (disc(),), SCALES, "up", OPTIONS)
    (larger,) = open_banks(tmp_path, (disc(18.0),), SCALES, "up", OPTIONS)
    assert len(list(tmp_path.iterdir())) == 2
    assert_equal(larger, *open_banks(tmp_path, (disc(18.0),), SCALES, "up", OPTIONS))


def test_stored_banks_say_what_they_were_made_from(tmp_path):
    assert stored_banks(tmp_path) == []
    (bank,) = open_banks(tmp_path, PARTS, SCALES, "both", OPTIONS)
    (row,) = stored_banks(tmp_path)
    assert row["file"] == next(tmp_path.iterdir()).name
    assert row["templates"] == len(bank.coefficients)
    assert [part["name"] for part in row["parts"]] == ["bracket", "disc"]
    assert (row["px_per_mm"], row["faces"], row["options"]["rank"]) == ([1.0, 1.25], "both", 12)


def test_a_file_that_is_cut_short_is_one_clear_error(tmp_path):
    open_banks(tmp_path, (disc(),), SCALES, "up", OPTIONS)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ModelError, match=rf"{file.name}: not a readable template file .* remove it"):
        open_banks(tmp_path, (disc(),), SCALES, "up", OPTIONS)


def test_a_flipped_bit_is_noticed(tmp_path):
    open_banks(tmp_path, (disc(),), SCALES, "up", OPTIONS)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)
    with pytest.raises(ModelError, match="not a readable template file"):
        read_bank(file)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(archive(x=np.zeros(2)), id="other arrays"),
        pytest.param(lone_array(), id="one array"),
        pytest.param(
            archive(
                head=np.frombuffer(b"{}", np.uint8), angles=np.zeros(1), basis=np.zeros(1), coefficients=np.zeros(1)
            ),
            id="empty head",
        ),
        pytest.param(archive(head=np.array([{}], object)), id="pickled"),
    ],
)
def test_foreign_files_are_one_clear_error(tmp_path, content):
    path = tmp_path / "templates-0.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"templates-0\.npz: not a readable template file"):
        read_bank(path)


def test_parts_of_other_sizes_have_their_own_file_which_others_do_not_change(tmp_path):
    """Groups count in the whole list, whatever its order; the small part's file serves another list too."""
    small, large = disc(4.0), bracket()
    first = open_banks(tmp_path, (small, large), SCALES, "up", OPTIONS)
    assert [{group.part for group in bank.groups} for bank in first] == [{1}, {0}]
    assert len(list(tmp_path.iterdir())) == 2
    second = open_banks(tmp_path, (plate(4), small), SCALES, "up", OPTIONS)
    assert [{group.part for group in bank.groups} for bank in second] == [{0}, {1}]
    assert len(list(tmp_path.iterdir())) == 3
    np.testing.assert_array_equal(first[1].coefficients, second[1].coefficients)
