"""Imports a local Minari dataset into a dataset folder.

    python -m data.import_minari --source=~/.minari/datasets/D4RL/door/human-v2 --out=datasets/door

It downloads nothing; use `minari download ID`. Inspect the dataset with `python -m data.inspect`.

References:
    https://minari.farama.org/content/dataset_standards/
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("Folder of a Minari dataset, or its ID in Minari's own folder.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
command_flags.define_action_keys_flag()
_CLIP_ACTIONS = flags.DEFINE_bool(
    "clip_actions",
    False,
    "Clip actions to the bounds of the declared space, as Gymnasium's environments do.",
)
FLAGS = flags.FLAGS

_KIND = "a local Minari dataset"


def main() -> None:
    """Imports the dataset."""
    import tensorflow as tf

    from data.formats import recorded_episodes
    from data.formats.parsers import guarded_parsing

    selection = (FLAGS.observation_keys, FLAGS.action_keys)
    parsed = guarded_parsing.parse(
        "data.formats.parsers.minari_parser", _folder(FLAGS.source), _KIND, *selection
    )
    header = next(parsed)
    origin = {
        "source": header["dataset_id"],
        "source_format": f"Minari {header['version']}",
    }
    if header["environment"] is not None:
        origin["source_environment"] = header["environment"]
    action_spec = tf.nest.map_structure(_spec, *header["action_limits"])
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, parsed, recorded_episodes.episode_from_transitions
    )
    if _CLIP_ACTIONS.value:
        episodes = _clip(episodes, action_spec)
    command_flags.write_dataset(episodes, header["total"], origin, action_spec)


def _folder(source: str) -> str:
    """Returns the folder that a path or an ID of Minari names."""
    root = os.environ.get("MINARI_DATASETS_PATH", os.path.expanduser("~/.minari/datasets"))
    folder = os.path.join(root, source)
    return folder if os.path.isdir(folder) and not os.path.isdir(source) else source


def _clip(episodes: Iterable, action_spec: Any) -> Iterator:
    """Yields the episodes with all actions inside the bounds; prints how many were outside."""
    import tensorflow as tf

    from data.episodes import Episode, specs

    count, largest = 0, 0.0
    for episode in episodes:
        if episode is None:
            yield None
            continue
        frames = episode.frames
        clipped = []
        outside = np.zeros(episode.num_frames, bool)
        for leaf, values in zip(tf.nest.flatten(action_spec), tf.nest.flatten(frames.action)):
            low, high = specs.bounds(leaf) or (-np.inf, np.inf)
            inside = np.clip(values, low, high).astype(values.dtype)
            difference = np.abs(inside - values).reshape(len(values), -1).max(axis=1, initial=0)
            outside |= difference > 0
            largest = max(largest, float(difference.max()))
            clipped.append(inside)
        count += int(outside.sum())
        yield Episode(frames._replace(action=tf.nest.pack_sequence_as(frames.action, clipped)))
    print(f"{count} actions were clipped, by at most {largest:.3g}")


def _spec(low: np.ndarray, high: np.ndarray) -> Any:
    """Returns the spec of an action with bounds [1, …], of which infinite ones are none."""
    import tensorflow as tf
    from tf_agents.specs import tensor_spec

    dtype, shape = low.dtype, low.shape[1:]
    if dtype.kind == "f" and (np.isfinite(low) | np.isfinite(high)).any():
        return tensor_spec.BoundedTensorSpec(shape, dtype, low[0], high[0])
    return tf.TensorSpec(shape, dtype)


if __name__ == "__main__":
    command_line.run(main)
