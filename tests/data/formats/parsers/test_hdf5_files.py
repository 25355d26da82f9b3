"""HDF5 files must contain all of their data."""

import h5py
import numpy as np
import pytest

import data
from data.formats.parsers import hdf5_files

VALUES = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.hdf5"


def read(path, name="actions"):
    with hdf5_files.open_file(path) as file:
        return hdf5_files.read(file, name)


@pytest.mark.parametrize(
    "options", [{}, {"chunks": (4, 1)}, {"compression": "gzip"}, {"compression": "lzf"}]
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">i2", "u8", "?"])
def test_reads_numbers_in_the_order_of_the_machine(path, options, dtype):
    with h5py.File(path, "w") as file:
        file.create_dataset("actions", data=VALUES.astype(dtype), **options)
    found = read(path)
    assert found.dtype.isnative and found.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found, VALUES.astype(dtype))


def test_follows_links_inside_of_the_file(path):
    with h5py.File(path, "w") as file:
        file["first/actions"] = VALUES
        file["actions"] = h5py.SoftLink("/first/actions")
        file["loop"] = h5py.SoftLink("/")
        file["second"] = file["first"]
    np.testing.assert_array_equal(read(path), VALUES)


def external_storage(file, other):
    file.create_dataset("actions", (3,), np.uint8, external=[(str(other), 0, 3)])


def virtual_dataset(file, other):
    layout = h5py.VirtualLayout((6, 2), np.float64)
    layout[:] = h5py.VirtualSource(str(other), "actions", (6, 2))
    file.create_virtual_dataset("actions", layout)


def external_link(file, other):
    file["nested/actions"] = h5py.ExternalLink(str(other), "/actions")
    file["actions"] = h5py.SoftLink("/nested/actions")


@pytest.mark.parametrize("refer", [external_storage, virtual_dataset, external_link])
def test_contract_foreign_files_are_complete_in_themselves(path, tmp_path, refer):
    other = tmp_path / "other.hdf5"
    with h5py.File(other, "w") as file:
        file["actions"] = VALUES
    with h5py.File(path, "w") as file:
        refer(file, other)
    with pytest.raises(data.DataError, match=rf"actions refers to another file, '{other}', and"):
        read(path)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (6, 2), "dtype": "f4"},
        {"shape": (6, 2), "dtype": "f4", "chunks": (2, 2)},
        {"shape": (2**40,), "dtype": "f4", "chunks": (2**10,), "compression": "gzip"},
    ],
)
def test_refuses_rows_that_were_never_written(path, options):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("actions", **options)
        if dataset.chunks:
            dataset[:1] = 1.0
    message = r"actions has the shape \[.*\], but the file stores only a part of it \(\d+ bytes\)"
    with pytest.raises(data.DataError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "it has no dataset 'actions'"),
        ("text", "actions is a text; an array with one row a step"),
        (["text"], "actions has elements of type text; numbers"),
        (3.0, r"actions is a float64 \(\); an array with one row a step"),
        ({}, "actions is a group; an array with one row a step"),
    ],
)
def test_names_what_is_no_array_of_numbers(path, value, problem):
    with h5py.File(path, "w") as file:
        if value == {}:
            file.create_group("actions")
        elif value is not None:
            file["actions"] = value
    with pytest.raises(data.DataError, match=problem):
        read(path)


def test_names_a_folder(tmp_path):
    with pytest.raises(data.DataError, match="it is a folder; name the HDF5 file in it"):
        read(tmp_path)
