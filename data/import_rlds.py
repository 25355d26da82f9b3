"""Imports a dataset of RLDS, as TensorFlow Datasets has prepared it, into a dataset folder.

    python -m data.import_rlds --source=tensorflow_datasets/my_robot/1.0.0 --out=datasets/my_robot

Nothing is downloaded: the folder is the one with `dataset_info.json`. Look at the dataset with
`python -m data.inspect`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors, format_flags
from ibc_agents.cli import command_line

_SPLIT = flags.DEFINE_string("split", "train", "Split to take, as TensorFlow Datasets names it.")
format_flags.define_import_flags("Folder of a prepared dataset, with its `dataset_info.json`.")
format_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a prepared dataset of TensorFlow Datasets"
_STEPS_AT_ONCE = 1024


def main() -> None:
    """Imports the dataset."""
    from data.formats import foreign

    with foreign.optional_libraries():
        import tensorflow_datasets as tfds
    with foreign.reading(FLAGS.source, _KIND):
        builder = tfds.builder_from_directory(os.path.expanduser(FLAGS.source))
        total = builder.info.splits[_SPLIT.value].num_examples
        recorded = builder.as_dataset(split=_SPLIT.value)
    if "steps" not in recorded.element_spec:
        raise errors.DataError(
            f"{FLAGS.source}: it holds no episodes with `steps`, and so is not of RLDS."
        )
    origin = {
        "source": builder.info.full_name,
        "source_format": "RLDS",
        "source_split": _SPLIT.value,
    }
    format_flags.write_dataset(_episodes(recorded), total, origin)


def _episodes(recorded: Any) -> Iterator:
    from data.formats import foreign

    remaining = iter(recorded)
    while True:
        with foreign.reading(FLAGS.source, _KIND):
            found = next(remaining, None)
            steps = None if found is None else _columns(found["steps"])
        if steps is None:
            return
        closed = bool(steps["is_last"][-1])
        count = len(steps["is_last"])
        yield foreign.episode_of(
            foreign.choose(steps["observation"], FLAGS.observation_keys, FLAGS.source),
            steps["action"],
            steps.get("reward", np.zeros(count)),
            steps.get("discount", _discounts(steps)),
            closed,
        )


def _columns(steps: Any) -> dict[str, Any]:
    """All the steps of an episode, nest of arrays [L, ...]."""
    import tensorflow as tf

    batches = list(steps.batch(_STEPS_AT_ONCE).as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def _discounts(steps: dict[str, Any]) -> np.ndarray:
    """What an episode means that keeps no discounts: 0 for the action that ends the task."""
    discounts = np.ones(len(steps["is_last"]), np.float32)
    if steps["is_terminal"][-1]:
        discounts[-2:-1] = 0.0
    return discounts


if __name__ == "__main__":
    command_line.run(main)
