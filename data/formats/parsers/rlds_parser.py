"""Episodes of a dataset of RLDS, as TensorFlow Datasets has prepared it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from data.errors import DataError
from data.formats.parsers import selected_parts

_STEPS_PER_BATCH = 1024
_CLASS_NAMES = ("pythonClassName", "python_class_name", "type")
_CLASSES = "tensorflow_datasets."


def parse(
    path: str,
    split: str,
    observation_keys: Sequence[str] | None,
    action_keys: Sequence[str] | None,
) -> Iterator:
    """Yields a dict that describes the dataset, and then the episodes of a split.

    Args:
        path: The folder with `dataset_info.json`, or its URL.
        split: Name of the split.
        observation_keys: Parts of the observation to import; None for all.
        action_keys: Parts of the action to import; None for all.

    Yields:
        A dict; then for each episode its name and the arguments of
        `recorded_episodes.episode_from_frames`, or None if no action was executed in it.

    Raises:
        DataError: If the dataset is not of RLDS, or its files are outside of the folder.
    """
    _check_features(os.path.join(path, "features.json"))
    builder = tfds.builder_from_directory(path)
    if split not in builder.info.splits:
        known = ", ".join(builder.info.splits)
        raise DataError(f"it has no split {split!r}; --split can be: {known or 'nothing'}.")
    info = builder.info.splits[split]
    for file in info.filepaths:
        if os.path.dirname(file) != path.rstrip("/"):
            raise DataError(f"its split {split!r} refers to a file outside of the folder, {file}.")
    recorded = builder.as_dataset(split=split)
    if "steps" not in recorded.element_spec:
        raise DataError("its examples have no `steps`, so it is not a dataset of RLDS.")
    yield {"total": info.num_examples, "name": builder.info.full_name}
    for number, example in enumerate(recorded):
        columns = _columns(example["steps"], observation_keys, action_keys)
        yield None if columns is None else (f"episode {number}", columns)


def _check_features(path: str) -> None:
    """Refuses features of other libraries: TensorFlow Datasets would import their modules."""
    with tf.io.gfile.GFile(path) as file:
        waiting = [json.load(file)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for key in _CLASS_NAMES:
                name = node.get(key, _CLASSES)
                if isinstance(name, str) and "." in name and not name.startswith(_CLASSES):
                    raise DataError(
                        f"features.json names {name!r}, and importing a dataset does not import"
                        " modules that it names. Prepare it with the features of TensorFlow"
                        " Datasets."
                    )
        if isinstance(node, (dict, list)):
            waiting.extend(node.values() if isinstance(node, dict) else node)


def _columns(
    steps: Any, observation_keys: Sequence[str] | None, action_keys: Sequence[str] | None
) -> dict[str, Any] | None:
    """Returns all the steps of an episode as arrays [L, …]; None without an executed action."""
    if isinstance(steps, tf.data.Dataset):
        batches = list(steps.batch(_STEPS_PER_BATCH).as_numpy_iterator())
        if not batches:
            return None
        steps = tf.nest.map_structure(lambda *leaves: np.concatenate(leaves), *batches)
    else:
        steps = tf.nest.map_structure(lambda leaf: leaf.numpy(), steps)
    missing = [key for key in ("observation", "action", "is_last") if key not in steps]
    if missing:
        raise DataError(f"its steps have no {', '.join(missing)}; they have {', '.join(steps)}.")
    is_last = np.asarray(steps["is_last"], bool)
    if is_last[:-1].any():
        raise DataError(f"is_last marks step {np.argmax(is_last)} of {len(is_last)}.")
    closed = bool(is_last[-1:].any())
    if len(is_last) <= closed:
        return None
    return {
        "observation": selected_parts.select(steps["observation"], observation_keys, "observation"),
        "action": selected_parts.select(steps["action"], action_keys, "action"),
        "reward": steps.get("reward", np.zeros(len(is_last))),
        "discount": steps.get("discount", _discounts(steps, closed)),
        "closed": closed,
    }


def _discounts(steps: dict[str, Any], closed: bool) -> np.ndarray:
    """Returns the discounts of an episode without them: 0 for the action that ends the task."""
    discounts = np.ones(len(steps["is_last"]), np.float32)
    if "is_terminal" in steps and steps["is_terminal"][-1]:
        discounts[-1 - closed] = 0.0
    return discounts
