"""The files of a run, each of which is replaced atomically."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from typing import Any

import gin
import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.train import learner

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files

POLICY = "policy"
OPERATIVE_CONFIG = "operative_config.gin"
RESULTS = "results.json"
VIDEO = "rollouts.mp4"
LANDSCAPE = "energy_landscape.png"
_DATASET = "dataset.json"
_PROBE_BYTES = 4096  # enough to detect a full disk before the run starts


class RunDirectory:
    """The root_dir of one run.

    ```
    train/                checkpoints; TensorBoard scalars of the training
    validation/           TensorBoard scalars of held-out episodes
    evaluation/           TensorBoard scalars of evaluations
    policy/               SavedModel of the policy
    dataset.json          name and hash of the demonstrations
    operative_config.gin  all settings that gin configured
    results.json          outcomes of the final evaluation
    rollouts.mp4, energy_landscape.png
    ```
    """

    def __init__(self, path: str | os.PathLike, writable: bool = True):
        """Opens the folder.

        Args:
            path: Path of the folder.
            writable: Whether to write to it. The folder is then created if it is missing.

        Raises:
            RunError: If it cannot be written, or if it is read-only and is not a run.
        """
        self.path = pathlib.Path(path).expanduser().absolute()
        if not writable:
            if not (self.path / OPERATIVE_CONFIG).exists():
                raise errors.RunError(
                    f"{self.path} is not the root_dir of a run: it has no {OPERATIVE_CONFIG}."
                )
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            try:
                probe.write_bytes(bytes(_PROBE_BYTES))
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise errors.RunError(
                f"cannot write to root_dir {self.path} ({error.strerror}). Choose another "
                "--root_dir."
            ) from error

    def latest_checkpoint(self) -> str | None:
        """Returns the path of the newest checkpoint, or None if there is none."""
        folder = self.path / learner.TRAIN_DIR / learner.POLICY_CHECKPOINT_DIR
        return tf.train.latest_checkpoint(str(folder))

    def restore_checkpoint(self, agent: behavioral_cloning_agent.BehavioralCloningAgent) -> None:
        """Restores an agent from the newest checkpoint, if there is one.

        TF-Agents' Learner restores it too, but ignores variables that the checkpoint lacks.

        Args:
            agent: Receives the weights, statistics and step of the checkpoint.

        Raises:
            RunError: If the checkpoint belongs to another agent or is damaged.
        """
        latest = self.latest_checkpoint()
        if latest is None:
            return
        agent.initialize()
        checkpoint = tf.train.Checkpoint(agent=agent, train_step=agent.train_step_counter)
        try:
            checkpoint.restore(latest).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise errors.RunError(
                f"the checkpoint {latest} belongs to another agent. Use the configuration with "
                "which the run began, or another --root_dir."
            ) from error
        except (tf.errors.OpError, IndexError) as error:
            reason = str(error).partition("\n")[0]
            raise errors.RunError(
                f"the checkpoint {latest} cannot be read ({reason}). To continue from the previous "
                f"one, enter it in {pathlib.Path(latest).with_name('checkpoint')}, or use another "
                "--root_dir."
            ) from error

    def check_dataset(self, dataset_hash: str, description: str) -> None:
        """Records the dataset of a new run, and checks the dataset of a resumed run.

        Args:
            dataset_hash: Hash of the episodes.
            description: Name of the dataset, for the message.

        Raises:
            RunError: If the run began with another dataset.
        """
        path = self.path / _DATASET
        if path.exists():
            recorded = json.loads(path.read_text())
            if recorded["hash"] != dataset_hash:
                raise errors.RunError(
                    f"{self.path} was trained on the dataset {recorded['description']} (hash "
                    f"{recorded['hash'][:12]}), but {description} now has hash "
                    f"{dataset_hash[:12]}. Restore that dataset, or start a new run with another "
                    "--root_dir."
                )
        else:
            self.write_json(_DATASET, {"hash": dataset_hash, "description": description})

    def write_operative_config(self) -> None:
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
        partial, final = self.path / f".{POLICY}.partial", self.path / POLICY
        shutil.rmtree(partial, ignore_errors=True)
        saver = policy_saver.PolicySaver(policy, batch_size=None, train_step=train_step)
        old = self.path / f".{POLICY}.old"
        try:
            with files.report_disk_errors(final):
                saver.save(str(partial))
                shutil.rmtree(old, ignore_errors=True)
                if final.exists():
                    final.rename(old)
                partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        return final
