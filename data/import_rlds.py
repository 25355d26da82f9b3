"""Imports a dataset of RLDS, as TensorFlow Datasets has prepared it, into a dataset folder.

    python -m data.import_rlds --source=tensorflow_datasets/my_robot/1.0.0 --out=datasets/my_robot

It downloads nothing: --source is the folder with `dataset_info.json`. Inspect the dataset with
`python -m data.inspect`.

References:
    Ramos et al., "RLDS", 2021. https://arxiv.org/abs/2111.02767
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors
from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

_SPLIT = flags.DEFINE_string("split", "train", "Split to import, as TensorFlow Datasets names it.")
path_flags.define_import_paths("Folder of a prepared dataset, with its `dataset_info.json`.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a prepared dataset of TensorFlow Datasets"
_STEPS_PER_BATCH = 1024


def main() -> None:
    """Imports the dataset."""
    from data.formats import library_errors

    with library_errors.report_missing_library():
        import tensorflow_datasets as tfds
    with library_errors.report_unreadable(FLAGS.source, _KIND):
        builder = tfds.builder_from_directory(os.path.expanduser(FLAGS.source))
        total = builder.info.splits[_SPLIT.value].num_examples
        recorded = builder.as_dataset(split=_SPLIT.value)
    if "steps" not in recorded.element_spec:
        raise errors.DataError(
            f"{FLAGS.source}: its examples have no `steps`, so it is not a dataset of RLDS."
        )
    origin = {
        "source": builder.info.full_name,
        "source_format": "RLDS",
        "source_split": _SPLIT.value,
    }
    command_flags.write_dataset(_episodes(recorded), total, origin)


def _episodes(recorded: Any) -> Iterator:
    from data.formats import library_errors, observation_parts, recorded_episodes

    remaining = iter(recorded)
    while True:
        with library_errors.report_unreadable(FLAGS.source, _KIND):
            found = next(remaining, None)
            steps = None if found is None else _columns(found["steps"])
        if steps is None:
            return
        closed = bool(steps["is_last"][-1])
        count = len(steps["is_last"])
        yield recorded_episodes.episode_from_frames(
            observation_parts.select(steps["observation"], FLAGS.observation_keys, FLAGS.source),
            steps["action"],
            steps.get("reward", np.zeros(count)),
            steps.get("discount", _discounts(steps)),
            closed,
        )


def _columns(steps: Any) -> dict[str, Any]:
    """Returns all the steps of an episode, a nest of arrays [L, …]."""
    import tensorflow as tf

    batches = list(steps.batch(_STEPS_PER_BATCH).as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def _discounts(steps: dict[str, Any]) -> np.ndarray:
    """Returns the discounts of an episode without them: 0 for the action that ends the task."""
    discounts = np.ones(len(steps["is_last"]), np.float32)
    if steps["is_terminal"][-1]:
        discounts[-2:-1] = 0.0
    return discounts


if __name__ == "__main__":
    command_line.run(main)
