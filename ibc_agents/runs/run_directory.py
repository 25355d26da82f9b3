"""What a run leaves in its root_dir; a kill leaves the old or the new, never a half."""

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

from ibc_agents.core import errors, files

POLICY = "policy"
OPERATIVE_CONFIG = "operative_config.gin"
RESULTS = "results.json"
VIDEO = "rollouts.mp4"
LANDSCAPE = "energy_landscape.png"
_DATASET = "dataset.json"
_PROBE_BYTES = 4096  # enough to notice a full disk before anything is done


class RunDirectory:
    """The root_dir of one run.

    ```
    train/                checkpoints; TensorBoard scalars of training
    validation/           TensorBoard scalars on held-out episodes
    evaluation/           TensorBoard scalars of evaluations
    policy/               SavedModel
    dataset.json          which demonstrations it learned from
    operative_config.gin  everything gin configured
    results.json          outcomes of the final evaluation
    rollouts.mp4, energy_landscape.png
    ```
    """

    def __init__(self, path: str | os.PathLike, writable: bool = True):
        """Opens the folder.

        Args:
            path: of the folder.
            writable: whether it is to be written; it is then created if need be.

        Raises:
            RunError: if it cannot be written, or is only to be read and not there.
        """
        self.path = pathlib.Path(path).expanduser().absolute()
        if not writable:
            if not (self.path / OPERATIVE_CONFIG).exists():
                raise errors.RunError(
                    f"{self.path} is not the root_dir of a run: no {OPERATIVE_CONFIG} in it."
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
                f"Cannot write to root_dir {self.path}: {error.strerror}. Choose "
                "another --root_dir."
            ) from error

    def latest_checkpoint(self) -> str | None:
        """Returns the path of the newest checkpoint that the Learner wrote, None without one."""
        folder = self.path / learner.TRAIN_DIR / learner.POLICY_CHECKPOINT_DIR
        return tf.train.latest_checkpoint(str(folder))

    def check_dataset(self, dataset_hash: str, description: str) -> None:
        """Remembers the dataset of a new run; refuses another one in a resumed run.

        Raises:
            RunError: if the run has begun with other data.
        """
        path = self.path / _DATASET
        if path.exists():
            known = json.loads(path.read_text())
            if known["hash"] != dataset_hash:
                raise errors.RunError(
                    f"{self.path} was trained on the dataset {known['description']} (hash "
                    f"{known['hash'][:12]}), but {description} now has hash {dataset_hash[:12]}. "
                    "Restore that dataset, or start a new run with another --root_dir."
                )
        else:
            self.write_json(_DATASET, {"hash": dataset_hash, "description": description})

    def write_operative_config(self) -> None:
        """Writes what gin has configured up to now."""
        path = self.path / OPERATIVE_CONFIG
        with files.report_disk_errors(path), files.replacing(path) as partial:
            partial.write_text(gin.operative_config_str())

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Writes a JSON file."""
        with files.report_disk_errors(self.path / name):
            files.write_json(self.path / name, content)

    def export_policy(self, policy: tf_policy.TFPolicy, train_step: tf.Variable) -> pathlib.Path:
        """Writes the policy as a SavedModel that takes raw observations of any batch size."""
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
