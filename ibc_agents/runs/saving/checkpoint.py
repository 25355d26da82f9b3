"""One checkpoint: its files, and whether they are whole."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterable

import tensorflow as tf

_FILE = re.compile(r"ckpt-(0|[1-9]\d{0,17})\.(?:index|(data-\d{5}-of-\d{5}))")
_STEP_KEY = "train_step/.ATTRIBUTES/VARIABLE_VALUE"
# What TensorFlow's reader raises for damaged files.
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a training step: an index, and one or more shards of data.

    Attributes:
        folder: Folder of its files.
        step: Number of training steps before it.
    """

    folder: pathlib.Path
    step: int

    @property
    def name(self) -> str:
        """Name of the files without their suffixes."""
        return f"ckpt-{self.step}"

    @property
    def path(self) -> str:
        """Path by which TensorFlow writes and reads it."""
        return str(self.folder / self.name)

    @property
    def index(self) -> pathlib.Path:
        """The file that lists the values. It is written last and removed first."""
        return self.folder / f"{self.name}.index"

    @property
    def shards(self) -> list[pathlib.Path]:
        """The existing files of data."""
        return [
            self.folder / name
            for name in sorted(os.listdir(self.folder))
            if (match := _FILE.fullmatch(name)) and int(match[1]) == self.step and match[2]
        ]

    def find_fault(self) -> str | None:
        """Returns why it is not whole, in words; None if it is.

        A whole checkpoint has all its files, every value has the right checksum, and it is of the
        step in its name.
        """
        if not self.index.is_file():
            return f"{self.index.name} is missing"
        # A missing shard is found below. Anything else in its place might block.
        strange = [shard.name for shard in self.shards if not shard.is_file()]
        if strange:
            return f"{strange[0]} is not a file"
        try:
            reader = tf.train.load_checkpoint(self.path)
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)  # verifies its checksum
            step = reader.get_tensor(_STEP_KEY)
        except _UNREADABLE as error:
            return str(error).partition("\n")[0]
        return None if step == self.step else f"it is of step {step}"

    def remove(self) -> None:
        """Removes its files.

        Raises:
            OSError: If a file cannot be removed.
        """
        self.index.unlink(missing_ok=True)
        for shard in self.shards:
            shard.unlink()


def checkpoints_among(folder: pathlib.Path, names: Iterable[str]) -> list[Checkpoint]:
    """Returns the checkpoints to which file names of a folder belong, the oldest first."""
    matches = map(_FILE.fullmatch, names)
    return [Checkpoint(folder, step) for step in sorted({int(m[1]) for m in matches if m})]
