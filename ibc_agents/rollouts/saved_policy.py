"""SavedModels of policies: written whole; loaded ones may be damaged or of another environment."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.specs import tensor_spec

from data.shards import manifest
from ibc_agents.core import errors, files
from ibc_agents.rollouts import environment_info

CHECKSUMS = "sha256.json"


def export(policy: tf_policy.TFPolicy, path: str | os.PathLike, train_step: tf.Variable) -> None:
    """Writes a policy as a SavedModel, for unnormalized observations and any batch size.

    Args:
        policy: Policy to export.
        path: Folder of the SavedModel, created or replaced.
        train_step: Training step of the policy.

    Raises:
        OSError, tf.errors.OpError: If the disk is full.
    """
    saver = policy_saver.PolicySaver(policy, batch_size=None, train_step=train_step)
    with files.replacing_folder(path) as partial:
        saver.save(str(partial))
        written = sorted(file for file in partial.rglob("*") if file.is_file())
        checksums = {
            file.relative_to(partial).as_posix(): manifest.file_sha256(file) for file in written
        }
        files.write_json(partial / CHECKSUMS, checksums)


def load(path: str | os.PathLike, environment: environment_info.EnvironmentInfo) -> Any:
    """Loads a policy, and checks that it acts in an environment.

    A SavedModel is a program: it can read and write files.

    Args:
        path: Folder of the SavedModel of any TF-Agents policy.
        environment: Environment in which it will act.

    Returns:
        The policy, with TF-Agents' `action` and `get_initial_state`.

    Raises:
        RunError: If the SavedModel is damaged, is no policy, or does not fit the environment.
    """
    path = pathlib.Path(path)
    _check_files(path)
    with _report_damage(f"the SavedModel {path} cannot be read"):
        policy = tf.saved_model.load(str(path))
        spec = _experience_spec(path)
        difference = environment.spec_difference(spec) if spec is not None else None
    if not hasattr(policy, "action") or not hasattr(policy, "get_initial_state"):
        raise errors.RunError(f"the SavedModel {path} is not a TF-Agents policy.")
    if difference:
        raise errors.RunError(
            f"the policy {path} does not fit the environment {environment.name}: {difference}."
        )
    with _report_damage(f"the policy {path} does not act in {environment.name}"):
        time_step = tensor_spec.zero_spec_nest(environment.time_step_spec, outer_dims=[1])
        policy.action(time_step, policy.get_initial_state(1))
    return policy


def _check_files(path: pathlib.Path) -> None:
    """Checks that the folder contains files and folders only, which are those of `export`.

    Opening a pipe would block. TensorFlow does not notice damage of the graph.
    """
    for entry in path.rglob("*"):
        if not entry.is_file() and not entry.is_dir():
            raise errors.RunError(f"the SavedModel {path} cannot be read ({entry} is not a file).")
    checksums = path / CHECKSUMS
    if not checksums.is_file():
        return  # Another program has written it.
    with _report_damage(f"the SavedModel {path} cannot be read"):
        for name, checksum in files.read_json(checksums).items():
            if manifest.file_sha256(path / name) != checksum:
                raise ValueError(f"{name} has changed since it was written")


def _experience_spec(path: pathlib.Path) -> Any:
    """Returns the trajectory spec of a policy; None if its SavedModel has none."""
    specs = path / policy_saver.POLICY_SPECS_PBTXT
    if not specs.exists():
        return None
    return tensor_spec.from_pbtxt_file(str(specs))["collect_data_spec"]


@contextlib.contextmanager
def _report_damage(problem: str) -> Iterator[None]:
    """Reports an error of TensorFlow's loader, or of the loaded graph, as an error of the user.

    The loader does not check what it reads. A damaged byte surfaces as an exception of any class,
    such as KeyError, AttributeError or RuntimeError.
    """
    try:
        yield
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise errors.RunError(
            f"{problem} ({reason}). Copy it again, or export it again by repeating the command of "
            "its run."
        ) from error
