"""Exports a dataset as a Minari dataset.

    python -m data.export_minari --dataset=datasets/toy --out=minari --dataset_id=ibc/toy-v0

Minari finds it if MINARI_DATASETS_PATH names the folder --out. `data.import_minari` restores the
same frames, except what Minari does not store: the action, reward and discount of an episode's
closing frame, discounts other than that of a terminal action, and the exact pixels of images, which
Minari stores as JPEG.

References:
    https://minari.farama.org/content/dataset_standards/
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from data import errors
from ibc_agents.cli import command_line, path_flags

_DATASET_ID = flags.DEFINE_string(
    "dataset_id", None, "Minari's name of the dataset, such as ibc/particle-v0.", required=True
)
path_flags.define_export_paths("Folder of Minari datasets; this one becomes a folder in it.")
FLAGS = flags.FLAGS

_MIN_IMAGE_SIZE = 32  # pixels


def main() -> None:
    """Exports the dataset."""
    from data.formats import exporting, library_errors

    with library_errors.report_missing_library():
        import minari
        from minari.dataset import minari_dataset, minari_storage
    try:
        minari_dataset.parse_dataset_id(_DATASET_ID.value)
    except (ValueError, TypeError) as error:
        raise errors.DataError(
            f"--dataset_id is {_DATASET_ID.value!r}; write it as NAMESPACE/NAME-v0."
        ) from error
    folder = os.path.join(FLAGS.out, _DATASET_ID.value)
    with exporting.complete_folder(folder) as path:
        dataset = exporting.open_for_export(FLAGS.dataset)
        storage = minari_storage.MinariStorage.new(
            path / "data",
            observation_space=_space(dataset.spec.observation),
            action_space=_space(dataset.spec.action),
        )
        storage.update_metadata(
            {
                "dataset_id": _DATASET_ID.value,
                "minari_version": minari.__version__,
                "description": exporting.describe_origin(dataset),
            }
        )
        storage.update_episodes(_buffers(dataset))
        num_episodes, num_actions = storage.total_episodes, storage.total_steps
    print(f"{num_episodes} episodes of {num_actions} actions in {folder}")
    omitted = dataset.train.num_windows - num_actions
    if omitted:
        print(f"{omitted} actions are omitted, because no observation follows them")


def _buffers(dataset: Any) -> Iterator:
    """Yields Minari's form of every episode that has an action followed by an observation."""
    import tensorflow as tf
    from minari.data_collector import EpisodeBuffer

    from data.formats import exporting

    for episode in exporting.iterate_with_progress(dataset):
        frames, actions = episode.frames, episode.num_frames - 1
        if not actions:
            continue
        is_end = np.arange(actions) == actions - 1
        is_terminal = exporting.ends_task(episode)
        yield EpisodeBuffer(
            observations=tf.nest.map_structure(_column, frames.observation),
            actions=tf.nest.map_structure(lambda leaf: _column(leaf[:-1]), frames.action),
            rewards=frames.reward[:-1],
            terminations=is_end & is_terminal,
            truncations=is_end & (not is_terminal),
        )


def _column(leaf: np.ndarray) -> Any:
    """Returns uint8 as a list of frames, because Minari treats a uint8 array as images."""
    return list(leaf) if leaf.dtype == np.uint8 else leaf


def _space(spec: Any) -> Any:
    """Returns the Gymnasium space of a nest of tensor specs."""
    from gymnasium import spaces

    from data.episodes import specs

    if isinstance(spec, dict):
        return spaces.Dict({key: _space(part) for key, part in spec.items()})
    if isinstance(spec, (list, tuple)):
        return spaces.Tuple([_space(part) for part in spec])
    dtype, shape = spec.dtype.as_numpy_dtype, tuple(spec.shape)
    # Minari writes uint8 of rank 2 and more as JPEG of any size, but reads small ones as arrays.
    if (
        dtype == np.uint8
        and len(shape) > 1
        and (min(shape[:2]) < _MIN_IMAGE_SIZE or shape[2:] not in ((), (3,)))
    ):
        raise errors.DataError(
            f"{FLAGS.dataset}: Minari cannot store uint8 of shape {shape}, only RGB images of at "
            f"least {_MIN_IMAGE_SIZE} × {_MIN_IMAGE_SIZE} pixels; export it to RLDS."
        )
    low, high = spec.dtype.min, spec.dtype.max
    if spec.dtype.is_floating:
        low, high = -np.inf, np.inf
    if (bounds := specs.bounds(spec)) is not None:
        low, high = (bound.astype(dtype) for bound in bounds)
    return spaces.Box(low, high, shape, dtype)


if __name__ == "__main__":
    command_line.run(main)
