"""Exports a dataset as a Minari dataset.

    python -m data.export_minari --dataset=datasets/toy --out=minari --dataset_id=ibc/toy-v0

Minari finds it where MINARI_DATASETS_PATH names the folder --out. Read back by `data.import_minari`
it has the same frames, but for what Minari does not keep: the action, reward and discount of an
episode's closing frame, discounts other than that of an end, and the exact pixels of pictures,
which it stores as JPEG.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors, format_flags
from ibc_agents.cli import command_line

_DATASET_ID = flags.DEFINE_string(
    "dataset_id", None, "What Minari calls it, such as ibc/particle-v0.", required=True
)
format_flags.define_export_flags("Folder of Minari datasets; this one becomes a folder in it.")
FLAGS = flags.FLAGS


def main() -> None:
    """Exports the dataset."""
    from data.formats import foreign
    from data.sources import demonstrations

    with foreign.optional_libraries():
        import minari
        from minari.dataset import minari_dataset, minari_storage
    try:
        minari_dataset.parse_dataset_id(_DATASET_ID.value)
    except (ValueError, TypeError) as error:
        raise errors.DataError(
            f"--dataset_id is {_DATASET_ID.value!r}; write it as NAMESPACE/NAME-v0."
        ) from error
    opened = demonstrations.Demonstrations.open(FLAGS.dataset, validation_fraction=0.0)
    folder = os.path.join(os.path.expanduser(FLAGS.out), _DATASET_ID.value)
    with foreign.new_folder(folder) as path:
        storage = minari_storage.MinariStorage.new(
            path / "data",
            observation_space=_space(opened.spec.observation),
            action_space=_space(opened.spec.action),
        )
        storage.update_metadata(
            {
                "dataset_id": _DATASET_ID.value,
                "minari_version": minari.__version__,
                "description": f"Exported from {opened.name}, dataset hash {opened.dataset_hash}.",
            }
        )
        storage.update_episodes(_buffers(opened))
        num_episodes, num_actions = storage.total_episodes, storage.total_steps
    print(f"{num_episodes} episodes of {num_actions} actions in {folder}")
    left_out = opened.train.num_windows - num_actions
    if left_out:
        print(f"{left_out} actions are left out, for no observation follows them")


def _buffers(opened: Any) -> Iterator:
    """Minari's form of every episode of an action that an observation follows."""
    import tensorflow as tf
    from minari.data_collector import EpisodeBuffer

    from data.formats import foreign

    for episode in foreign.exported_episodes(opened):
        frames, actions = episode.frames, episode.num_frames - 1
        if not actions:
            continue
        ended = np.arange(actions) == actions - 1
        # Datasets of D4RL as others convert them tell the end of the task at the closing frame.
        terminal = not frames.discount[-2:].all()
        yield EpisodeBuffer(
            observations=tf.nest.map_structure(_column, frames.observation),
            actions=tf.nest.map_structure(lambda leaf: _column(leaf[:-1]), frames.action),
            rewards=frames.reward[:-1],
            terminations=ended & terminal,
            truncations=ended & (not terminal),
        )


def _column(leaf: np.ndarray) -> Any:
    """Of bytes a list of frames, for Minari takes a whole array of them for pictures."""
    return list(leaf) if leaf.dtype == np.uint8 else leaf


def _space(spec: Any) -> Any:
    """The Gymnasium space of a nest of tensor specs."""
    from gymnasium import spaces

    from data.episodes import specs

    if isinstance(spec, dict):
        return spaces.Dict({key: _space(part) for key, part in spec.items()})
    if isinstance(spec, (list, tuple)):
        return spaces.Tuple([_space(part) for part in spec])
    dtype, shape = spec.dtype.as_numpy_dtype, tuple(spec.shape)
    # Minari writes these as JPEG whatever their size, and reads them so from this size on.
    if (
        dtype == np.uint8
        and len(shape) > 1
        and (min(shape[:2]) < 32 or shape[2:] not in ((), (3,)))
    ):
        raise errors.DataError(
            f"{FLAGS.dataset}: Minari cannot keep bytes of shape {shape}, only RGB pictures from"
            " 32 × 32 on; export it to RLDS."
        )
    low, high = spec.dtype.min, spec.dtype.max
    if spec.dtype.is_floating:
        low, high = -np.inf, np.inf
    if (bounds := specs.bounds(spec)) is not None:
        low, high = (bound.astype(dtype) for bound in bounds)
    return spaces.Box(low, high, shape, dtype)


if __name__ == "__main__":
    command_line.run(main)
