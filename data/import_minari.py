"""Imports a local Minari dataset into a dataset folder.

    python -m data.import_minari --source=~/.minari/datasets/D4RL/door/human-v2 --out=datasets/door

It downloads nothing; use `minari download ID`. Inspect the dataset with `python -m data.inspect`.

References:
    https://minari.farama.org/content/dataset_standards/
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("Folder of a Minari dataset, or its ID in Minari's own folder.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a local Minari dataset"


def main() -> None:
    """Imports the dataset."""
    from data.formats import library_errors

    with library_errors.report_missing_library():
        import minari
    folder = os.path.expanduser(FLAGS.source)
    with library_errors.report_unreadable(FLAGS.source, _KIND):
        if os.path.isdir(folder):
            dataset = minari.MinariDataset(os.path.join(folder, "data"))
        else:
            dataset = minari.load_dataset(FLAGS.source)
    origin = {
        "source": dataset.spec.dataset_id,
        "source_format": f"Minari {dataset.spec.minari_version}",
    }
    if dataset.spec.env_spec is not None:
        origin["source_environment"] = dataset.spec.env_spec.id
    command_flags.write_dataset(
        _episodes(dataset), dataset.total_episodes, origin, _spec_from_space(dataset.action_space)
    )


def _episodes(dataset: Any) -> Iterator:
    from data.formats import library_errors, observation_parts, recorded_episodes

    recorded = dataset.iterate_episodes()
    while True:
        with library_errors.report_unreadable(FLAGS.source, _KIND):
            found = next(recorded, None)
        if found is None:
            return
        yield recorded_episodes.episode_from_transitions(
            observation_parts.select(found.observations, FLAGS.observation_keys, FLAGS.source),
            found.actions,
            found.rewards,
            terminal=bool(found.terminations[-1]),
        )


def _spec_from_space(space: Any) -> Any:
    """Returns the nest of tensor specs of a Gymnasium space, with its bounds."""
    import tensorflow as tf
    from gymnasium import spaces
    from tf_agents.specs import tensor_spec

    if isinstance(space, spaces.Dict):
        return {key: _spec_from_space(part) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(map(_spec_from_space, space))
    if isinstance(space, spaces.Box) and space.is_bounded():
        return tensor_spec.BoundedTensorSpec(space.shape, space.dtype, space.low, space.high)
    return tf.TensorSpec(space.shape, space.dtype)


if __name__ == "__main__":
    command_line.run(main)
