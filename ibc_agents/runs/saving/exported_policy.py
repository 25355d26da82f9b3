"""SavedModels of policies: written whole, and read with checks."""

from __future__ import annotations

import os

import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy

from ibc_agents.core import files


def export(policy: tf_policy.TFPolicy, folder: str | os.PathLike, train_step: tf.Variable) -> None:
    """Writes a policy as a SavedModel, for unnormalized observations and any batch size.

    Args:
        policy: Policy to export.
        folder: Folder of the SavedModel, created or replaced.
        train_step: Training step of the policy.

    Raises:
        OSError, tf.errors.OpError: If the disk is full.
    """
    saver = policy_saver.PolicySaver(policy, batch_size=None, train_step=train_step)
    with files.replacing_folder(folder) as partial:
        saver.save(str(partial))
