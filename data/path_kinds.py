"""Recognizes what a path holds if it is no dataset of this project, and what to do with it."""

from __future__ import annotations

import glob
import os

from ibc_agents.core import files

_HDF5 = (
    "is an HDF5 file; import it with python -m data.import_robomimic (groups data/demo_0, …) or "
    "python -m data.import_d4rl (columns observations, actions, …)"
)
_NO_IMPORTER = "; no importer reads it: write its episodes with data.EpisodeWriter"

# First bytes of files.
_STARTS = {
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"PK\x03\x04": "is a zip archive, such as of NumPy" + _NO_IMPORTER,
    b"\x93NUMPY": "is a NumPy array" + _NO_IMPORTER,
    b"PAR1": "is a Parquet file, such as of LeRobot" + _NO_IMPORTER,
}
# Ends of file names.
_NAMES = {
    "manifest.json": "is the manifest of a dataset; name its folder",
    ".spec": "is the spec of a shard; name the shard, or its folder",
    ".spec.gz": "is the spec of a shard; name the shard, or its folder",
    "dataset.json": "belongs to the folder of a run; name the dataset that the run was trained on",
    ".pkl": "is a Python pickle" + _NO_IMPORTER,
    ".pickle": "is a Python pickle" + _NO_IMPORTER,
}
# What a folder contains; the first match decides. None stands for a dataset of TFRecord shards.
_CONTENTS = {
    "manifest.json": None,
    "dataset_info.json": "is a dataset of TensorFlow Datasets; import it with python -m "
    "data.import_rlds",
    "*.tfrecord*": None,
    "*/dataset_info.json": "holds versions of a dataset of TensorFlow Datasets; import one of them "
    "with python -m data.import_rlds",
    "data/main_data.hdf5": "is a Minari dataset; import it with python -m data.import_minari",
    "main_data.hdf5": "is the inner folder of a Minari dataset; import the folder above it with "
    "python -m data.import_minari",
    "*.hdf5": "contains HDF5 files; import one of them with python -m data.import_robomimic or "
    "python -m data.import_d4rl",
    "meta/info.json": "is a LeRobot dataset" + _NO_IMPORTER,
    ".zgroup": "is a Zarr store; import it with python -m data.import_zarr (replay buffers of "
    "Diffusion Policy)",
    "zarr.json": "is a Zarr store" + _NO_IMPORTER,
    "operative_config.gin": "is the folder of a run; name the dataset that it was trained on",
    "saved_model.pb": "is a SavedModel; name the dataset that it was trained on",
    "*/manifest.json": "contains several datasets; name one of its folders",
}


def describe(path: str) -> str | None:
    """Describes a path that is no dataset of TFRecord shards.

    Args:
        path: An existing file or folder.

    Returns:
        A clause that states what it is and how to use it; None if it may be a dataset.
    """
    if os.path.isdir(path):
        return _describe_folder(path)
    for end, description in _NAMES.items():
        if os.path.basename(path).endswith(end):
            return description
    try:
        with files.open_file(path) as file:
            start = file.read(max(map(len, _STARTS)))
    except OSError:
        return None
    return next((text for magic, text in _STARTS.items() if start.startswith(magic)), None)


def _describe_folder(path: str) -> str | None:
    for name, description in _CONTENTS.items():
        if glob.glob(os.path.join(glob.escape(path), name)):
            return description
    return None
