"""Exports a dataset in the form of RLDS, as TensorFlow Datasets reads it.

    python -m data.export_rlds --dataset=datasets/toy --out=tensorflow_datasets --name=toy

The new folder is OUT/NAME/1.0.0, with one split, `train`. `tfds.builder_from_directory` opens it,
and `data.import_rlds` restores the same frames. Images are stored as PNG, lossless.

References:
    Ramos et al., "RLDS", 2021. https://arxiv.org/abs/2111.02767
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors
from ibc_agents.cli import command_line, path_flags

_NAME = flags.DEFINE_string(
    "name", None, "Name of the dataset: lower-case letters, digits and _.", required=True
)
path_flags.define_export_paths("Folder of datasets; this one becomes NAME/1.0.0 in it.")
FLAGS = flags.FLAGS

_VERSION = "1.0.0"
_EPISODES_PER_SHARD = 1000


def main() -> None:
    """Exports the dataset."""
    from data.formats import exporting, library_errors

    with library_errors.report_missing_library():
        import tensorflow_datasets as tfds
    if not re.fullmatch(r"[a-z][a-z0-9_]*", _NAME.value):
        raise errors.DataError(f"--name is {_NAME.value!r}; use lower-case letters, digits and _.")
    folder = os.path.join(FLAGS.out, _NAME.value, _VERSION)
    with exporting.complete_folder(folder) as path:
        dataset = exporting.open_for_export(FLAGS.dataset)
        identity = tfds.core.dataset_info.DatasetIdentity(
            name=_NAME.value,
            version=tfds.core.Version(_VERSION),
            data_dir=os.fspath(path),
            module_name="",
        )
        info = tfds.core.DatasetInfo(
            builder=identity,
            description=exporting.describe_origin(dataset),
            features=_features(dataset.spec),
        )
        writer = tfds.core.SequentialWriter(info, max_examples_per_shard=_EPISODES_PER_SHARD)
        writer.initialize_splits(["train"])
        for episode in exporting.iterate_with_progress(dataset):
            writer.add_examples({"train": [{"steps": list(_steps(episode))}]})
        writer.close_all()
    print(f"{len(dataset.train)} episodes of {dataset.num_frames} steps in {folder}")


def _features(spec: Any) -> Any:
    """Returns the features of an episode."""
    import tensorflow_datasets as tfds

    flag = tfds.features.Scalar(np.bool_)
    steps = {
        "observation": _feature(spec.observation),
        "action": _feature(spec.action),
        "reward": _feature(spec.reward),
        "discount": _feature(spec.discount),
        "is_first": flag,
        "is_last": flag,
        "is_terminal": flag,
    }
    return tfds.features.FeaturesDict({"steps": tfds.features.Dataset(steps)})


def _feature(spec: Any) -> Any:
    """Returns the feature of a nest of dictionaries of tensor specs."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from data.episodes import specs

    if isinstance(spec, dict):
        return tfds.features.FeaturesDict({key: _feature(part) for key, part in spec.items()})
    if not isinstance(spec, tf.TypeSpec):
        raise errors.DataError(
            f"{FLAGS.dataset}: it contains a {type(spec).__name__}, and RLDS stores only"
            " dictionaries; export it to Minari."
        )
    if specs.is_image(spec) and spec.shape[-1] in (1, 3, 4):
        return tfds.features.Image(shape=tuple(spec.shape), encoding_format="png")
    # Other encodings of float64 lose precision.
    encoding = tfds.features.Encoding.BYTES if spec.dtype == tf.float64 else "none"
    return tfds.features.Tensor(
        shape=tuple(spec.shape), dtype=spec.dtype.as_numpy_dtype, encoding=encoding
    )


def _steps(episode: Any) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    from data.formats import exporting

    frames, last = episode.frames, episode.num_frames - 1
    is_terminal = exporting.ends_task(episode)
    for row in range(episode.num_frames):
        observation, action = tf.nest.map_structure(
            lambda leaf, row=row: leaf[row], (frames.observation, frames.action)
        )
        is_closing = row == last and not episode.executed[row]
        yield {
            "observation": observation,
            "action": action,
            "reward": frames.reward[row],
            "discount": frames.discount[row],
            "is_first": row == 0,
            "is_last": is_closing,
            "is_terminal": is_closing and is_terminal,
        }


if __name__ == "__main__":
    command_line.run(main)
