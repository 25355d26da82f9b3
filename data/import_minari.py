"""Imports a local Minari dataset into a dataset folder.

    python -m data.import_minari --source=~/.minari/datasets/D4RL/door/human-v2 --out=datasets/door

Nothing is downloaded: `minari download ID` does that. Look at the dataset with
`python -m data.inspect`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from absl import flags

from data import format_flags
from ibc_agents.cli import command_line

format_flags.define_import_flags("Folder of a Minari dataset, or its ID in Minari's own folder.")
format_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a local Minari dataset"


def main() -> None:
    """Imports the dataset."""
    from data.formats import foreign

    with foreign.optional_libraries():
        import minari
    folder = os.path.expanduser(FLAGS.source)
    with foreign.reading(FLAGS.source, _KIND):
        if os.path.isdir(folder):
            opened = minari.MinariDataset(os.path.join(folder, "data"))
        else:
            opened = minari.load_dataset(FLAGS.source)
    origin = {
        "source": opened.spec.dataset_id,
        "source_format": f"Minari {opened.spec.minari_version}",
    }
    if opened.spec.env_spec is not None:
        origin["source_environment"] = opened.spec.env_spec.id
    format_flags.write_dataset(
        _episodes(opened), opened.total_episodes, origin, _spec_of(opened.action_space)
    )


def _episodes(opened: Any) -> Iterator:
    from data.formats import foreign

    recorded = opened.iterate_episodes()
    while True:
        with foreign.reading(FLAGS.source, _KIND):
            found = next(recorded, None)
        if found is None:
            return
        yield foreign.recorded_episode(
            foreign.choose(found.observations, FLAGS.observation_keys, FLAGS.source),
            found.actions,
            found.rewards,
            terminal=bool(found.terminations[-1]),
        )


def _spec_of(space: Any) -> Any:
    """The nest of tensor specs of a Gymnasium space, with the bounds that it has."""
    import tensorflow as tf
    from gymnasium import spaces
    from tf_agents.specs import tensor_spec

    if isinstance(space, spaces.Dict):
        return {key: _spec_of(part) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(map(_spec_of, space))
    if isinstance(space, spaces.Box) and space.is_bounded():
        return tensor_spec.BoundedTensorSpec(space.shape, space.dtype, space.low, space.high)
    return tf.TensorSpec(space.shape, space.dtype)


if __name__ == "__main__":
    command_line.run(main)
