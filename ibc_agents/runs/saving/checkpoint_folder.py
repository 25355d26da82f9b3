"""The checkpoints of a run. Training continues from the newest whole one."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
from collections.abc import Callable, Sequence

import tensorflow as tf

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files
from ibc_agents.runs.saving import checkpoint as checkpoint_lib

_NUM_KEPT = 3
_STATE = "checkpoint"
_STEP_IN_STATE = re.compile(rb'model_checkpoint_path: "(?:.*/)?ckpt-(\d{1,18})"\s*(?:\n|$)')
_PARTIAL = ".partial"


class CheckpointFolder:
    """The folder of a run's checkpoints, of which the newest are kept.

    A checkpoint is written to a hidden folder, flushed to the disk and renamed, its index last. The
    file `checkpoint` then names it, as TensorFlow's tools expect. Damage to this file or to a
    checkpoint loses no more than the damaged checkpoint, and never silently.
    """

    def __init__(self, path: pathlib.Path, log: Callable[[str], None] = print):
        """Opens the folder; nothing is read yet.

        Args:
            path: The folder. It may be missing.
            log: Called with a message if the newest checkpoint is lost.
        """
        self.path = path
        self._log = log
        self._newest: checkpoint_lib.Checkpoint | None = None
        self._searched = False

    def newest(self) -> checkpoint_lib.Checkpoint | None:
        """Returns the newest whole checkpoint, or None if none has been written yet.

        It is searched once in the life of this object.

        Raises:
            RunError: If there are checkpoints, but none is whole.
        """
        if not self._searched:
            self._newest = self._find_newest()
            self._searched = True
        return self._newest

    def recorded_step(self) -> int | None:
        """Returns the step of the checkpoint that was written last; None if it is unknown."""
        try:
            content = files.read_bytes(self.path / _STATE)
        except OSError:
            return None
        match = _STEP_IN_STATE.match(content)
        return int(match[1]) if match else None

    def restore(self, agent: behavioral_cloning_agent.BehavioralCloningAgent) -> bool:
        """Restores an agent from the newest whole checkpoint.

        Args:
            agent: Receives the weights, optimizer state, statistics and step of the checkpoint.

        Returns:
            Whether there is a checkpoint.

        Raises:
            RunError: If the checkpoint belongs to another agent, or none is whole.
        """
        newest = self.newest()
        if newest is None:
            return False
        agent.initialize()
        try:
            _contents(agent).restore(newest.path).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise errors.RunError(
                f"the checkpoint {newest.path} belongs to another agent. Use the configuration "
                "with which the run began, or another --root_dir."
            ) from error
        except tf.errors.OpError as error:
            reason = str(error).partition("\n")[0]
            raise errors.RunError(
                f"the checkpoint {newest.path} cannot be read ({reason}). Run the same command "
                "again, or use another --root_dir."
            ) from error
        return True

    def save(self, agent: behavioral_cloning_agent.BehavioralCloningAgent) -> None:
        """Writes a checkpoint, and removes all but the newest.

        The checkpoint of a step is written once: equal steps have equal contents.

        Args:
            agent: Agent to save, at its current step.

        Raises:
            OSError, tf.errors.OpError: If it cannot be written.
        """
        checkpoint = checkpoint_lib.Checkpoint(self.path, int(agent.train_step_counter.numpy()))
        if self._searched and checkpoint == self._newest:
            return
        partial = self.path / _PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            written = checkpoint_lib.Checkpoint(partial, checkpoint.step)
            _contents(agent).write(written.path)
            for file in (*written.shards, written.index):
                files.move_into_place(file, self.path / file.name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._newest, self._searched = checkpoint, True
        self._keep_newest()

    def _keep_newest(self) -> None:
        """Removes older checkpoints, and damaged ones of later steps; names the rest."""
        assert self._newest is not None
        checkpoints = self._checkpoints(os.listdir(self.path))
        kept = [c for c in checkpoints if c.step <= self._newest.step][-_NUM_KEPT:]
        with files.replacing(self.path / _STATE) as state:
            state.write_text(
                f'model_checkpoint_path: "{self._newest.name}"\n'
                + "".join(f'all_model_checkpoint_paths: "{c.name}"\n' for c in kept)
            )
        for checkpoint in checkpoints:
            if checkpoint not in kept:
                checkpoint.remove()

    def _find_newest(self) -> checkpoint_lib.Checkpoint | None:
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise errors.RunError(
                f"cannot read the checkpoints in {self.path} ({error.strerror}). Use another "
                "--root_dir."
            ) from error
        faults: dict[int, str] = {}
        for checkpoint in reversed(self._checkpoints(names)):
            fault = checkpoint.find_fault()
            if fault is None:
                self._report_loss(checkpoint, faults)
                return checkpoint
            # A save that was interrupted leaves data without an index.
            if checkpoint.index.name in names or checkpoint.step == self.recorded_step():
                faults[checkpoint.step] = fault
        if faults or _STATE in names:
            reasons = [f"ckpt-{step}: {fault}" for step, fault in faults.items()]
            raise errors.RunError(
                f"{self.path} has no checkpoint that can be read"
                f" ({'; '.join(reasons) or 'the files are missing'}). Restore the folder from a "
                "copy, remove it to train from step 0, or use another --root_dir."
            )
        return None

    def _report_loss(self, checkpoint: checkpoint_lib.Checkpoint, faults: dict[int, str]) -> None:
        """Logs why training does not continue from the checkpoint that was written last."""
        recorded = self.recorded_step()
        if recorded is None:
            reason = f"cannot read {self.path / _STATE}"
        elif recorded > checkpoint.step:
            fault = faults.get(recorded, "its files are missing")
            reason = f"cannot read the checkpoint {self.path / f'ckpt-{recorded}'} ({fault})"
        else:
            return
        self._log(f"{reason}; continuing from the newest whole checkpoint, {checkpoint.name}")

    def _checkpoints(self, names: Sequence[str]) -> list[checkpoint_lib.Checkpoint]:
        return checkpoint_lib.checkpoints_among(self.path, names)


def _contents(agent: behavioral_cloning_agent.BehavioralCloningAgent) -> tf.train.Checkpoint:
    """Returns the contents of a checkpoint, the same as of TF-Agents' Learner."""
    contents = tf.train.Checkpoint(agent=agent, train_step=agent.train_step_counter)
    # TensorFlow creates this variable when it is first used. `restore` expects it in the file.
    assert contents.save_counter is not None
    return contents
