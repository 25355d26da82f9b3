"""The files of a run, each of which is replaced atomically."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gin
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.train import learner

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files
from ibc_agents.rollouts import saved_policy
from ibc_agents.runs.records import file_lock, settings_record
from ibc_agents.runs.saving import checkpoint_folder

POLICY = "policy"
OPERATIVE_CONFIG = "operative_config.gin"
RESULTS = "results.json"
VIDEO = "rollouts.mp4"
LANDSCAPE = "energy_landscape.png"
_DATASET = "dataset.json"
_SETTINGS = "settings.json"
_MAX_DIFFERENCES = 5  # in a message


class RunDirectory:
    """The root_dir of one run.

    ```
    train/                checkpoints; TensorBoard scalars of the training
    validation/           TensorBoard scalars of held-out episodes
    evaluation/           TensorBoard scalars of evaluations
    policy/               SavedModel of the policy
    dataset.json          name and hash of the demonstrations
    settings.json         all settings with which the run began
    operative_config.gin  those of them that gin configured
    acceleration.json     the measured choices of acceleration, if there are any
    results.json          outcomes of the final evaluation
    rollouts.mp4, energy_landscape.png
    ```

    Attributes:
        path: Absolute path of the folder.
        checkpoints: The checkpoints of the training.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        writable: bool = True,
        log: Callable[[str], None] = print,
    ):
        """Opens the folder.

        Args:
            path: Path of the folder.
            writable: Whether to write to it. The folder is then created if it is missing.
            log: Called with a message if a checkpoint or a record is lost.

        Raises:
            RunError: If it cannot be written, or if it is read-only and is not a run.
        """
        self.path = files.local_path(path).absolute()
        self._log = log
        self.checkpoints = checkpoint_folder.CheckpointFolder(
            self.path / learner.TRAIN_DIR / learner.POLICY_CHECKPOINT_DIR, log
        )
        if not writable:
            if not (self.path / OPERATIVE_CONFIG).exists():
                raise errors.RunError(
                    f"{self.path} is not the root_dir of a run: it has no {OPERATIVE_CONFIG}."
                )
            return
        try:
            files.make_writable(self.path)
        except OSError as error:
            raise errors.RunError(
                f"cannot write to root_dir {self.path} ({error.strerror}). Choose another "
                "--root_dir."
            ) from error

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Returns a context in which no other process may write to this folder.

        Raises:
            RunError: On entering, if another process has it; the message names that process.
        """
        return file_lock.hold_root_dir(self.path)

    def restore_checkpoint(self, agent: behavioral_cloning_agent.BehavioralCloningAgent) -> None:
        """Restores an agent from the newest whole checkpoint, if there is one.

        Args:
            agent: Receives the weights, optimizer state, statistics and step of the checkpoint.

        Raises:
            RunError: If the checkpoint belongs to another agent, no checkpoint can be read, or the
                run has results but no checkpoint.
        """
        if self.checkpoints.restore(agent):
            return
        finished = next(self._results_of_training(), None)
        if finished:
            raise errors.RunError(
                f"{self.path} has {finished} but no checkpoint, and training from step 0 would "
                f"replace it. Use another --root_dir, or remove {RESULTS} and {POLICY} to train "
                "again."
            )

    def check_dataset(self, dataset_hash: str, description: str) -> None:
        """Records the dataset of a new run, and checks the dataset of a resumed run.

        Args:
            dataset_hash: Hash of the episodes.
            description: Name of the dataset, for the message.

        Raises:
            RunError: If the run began with another dataset, or the record cannot be read.
        """
        recorded = self._recall(_DATASET, {"hash": dataset_hash, "description": description})
        if recorded is not None and recorded.get("hash") != dataset_hash:
            raise errors.RunError(
                f"{self.path} was trained on the dataset {recorded.get('description')} (hash "
                f"{str(recorded.get('hash'))[:12]}), but {description} now has hash "
                f"{dataset_hash[:12]}. Restore that dataset, or start a new run with another "
                "--root_dir."
            )

    def check_settings(self, settings: dict[str, Any]) -> None:
        """Records the settings of a new run, and checks the settings of a resumed run.

        What a run began with is never replaced. A run without a checkpoint begins again.

        Args:
            settings: Result of `settings_record.describe`. The operative configuration of gin is
                recorded with it.

        Raises:
            RunError: If a setting differs that must not change, or the record cannot be read.
        """
        if not self._has_trained():
            self.write_json(_SETTINGS, settings)
            self._write_operative_config()
            return
        recorded = self._recall(_SETTINGS, settings)
        differences = settings_record.differences(recorded or settings, settings)
        if differences:
            raise errors.RunError(
                f"{self.path} began with other settings: {_join(differences)}. Use those, or start "
                "a new run with another --root_dir."
            )

    def _has_trained(self) -> bool:
        return self.checkpoints.newest() is not None or any(self._results_of_training())

    def _results_of_training(self) -> Iterator[str]:
        """Yields the names of existing results."""
        return (name for name in (RESULTS, POLICY) if (self.path / name).exists())

    def _recall(self, name: str, current: dict[str, Any]) -> dict[str, Any] | None:
        """Returns a record of what the run began with; a new run gets the current one.

        Returns None, and says so, if the record of a run that has trained is missing.
        """
        if not (self.path / name).exists():
            if not self._has_trained():
                self.write_json(name, current)
                return current
            self._log(f"{self.path} has no {name}, so what the run began with is not compared")
            return None
        try:
            content = files.read_json(self.path / name)
            if not isinstance(content, dict):
                raise ValueError("it is not a JSON object")
        except (OSError, ValueError) as error:
            raise errors.RunError(
                f"{self.path / name} cannot be read ({error}). It states what the run began with: "
                "restore it from a copy, or start a new run with another --root_dir."
            ) from error
        return content

    def _write_operative_config(self) -> None:
        """Writes the configuration that gin has used so far."""
        path = self.path / OPERATIVE_CONFIG
        with files.report_disk_errors(path), files.replacing(path) as partial:
            partial.write_text(gin.operative_config_str())

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Writes a JSON file of this folder."""
        with files.report_disk_errors(self.path / name):
            files.write_json(self.path / name, content)

    def export_policy(self, policy: tf_policy.TFPolicy, train_step: tf.Variable) -> pathlib.Path:
        """Writes the policy as a SavedModel, for unnormalized observations and any batch size.

        Args:
            policy: Policy to export.
            train_step: Training step of the policy.

        Returns:
            The folder of the SavedModel.

        Raises:
            RunError: If the disk is full.
        """
        folder = self.path / POLICY
        with files.report_disk_errors(folder):
            saved_policy.export(policy, folder, train_step)
        return folder


def _join(differences: Sequence[str]) -> str:
    """Returns the first differences, and the number of the others."""
    omitted = len(differences) - _MAX_DIFFERENCES
    more = [f"and {omitted} more"] if omitted > 0 else []
    return "; ".join([*differences[:_MAX_DIFFERENCES], *more])
