"""Messages between the roles of a job, sent through the tables of a real replay server."""

from __future__ import annotations

import dataclasses
import functools
import io
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.experimental.distributed import reverb_variable_container

from data.episodes import dataset_statistics
from data.sources import replay_server, server_port
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    channels,
    evaluation_messages,
    experience_messages,
    job_spec,
    policy_variables,
    sealing,
    tables,
)
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import dataset_info as dataset_info_lib
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _datasets
from tests.ibc_agents import helpers

_LEARNER = "learner"
_STEP = 300
_NUMBER = "{:03d}.npy"


class _Messages(target_lib.Target):
    """Arrays in files. Those of another content must be refused or dropped, never used."""

    mutants = 400

    def prepare(self, folder: pathlib.Path) -> None:
        for number, array in enumerate(self.make_message()):
            np.save(folder / _NUMBER.format(number), array)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        arrays = _load(folder)
        for path in folder.iterdir():
            path.unlink()
        arrays, description = _damage_arrays(arrays, generator)
        for number, array in enumerate(arrays):
            np.save(folder / _NUMBER.format(number), array)
        return description

    def read(self, folder: pathlib.Path) -> None:
        arrays = _load(folder)
        if self.receive(arrays) and not _are_equal(arrays, self.make_message()):
            raise target_lib.Wrong("a damaged message was used")

    def make_message(self) -> list[np.ndarray]:
        """Returns the undamaged arrays."""
        raise NotImplementedError

    def receive(self, arrays: list[np.ndarray]) -> bool:
        """Sends the arrays and reads them as a role does; returns whether the role uses them."""
        raise NotImplementedError


class _Broadcast(_Messages):
    """A message to all roles, which end with a sentence if it is damaged."""

    def __init__(
        self, name: str, table: str, message: Callable[[], list[np.ndarray]], decode: Any
    ) -> None:
        self.name = name
        self._table = table
        self._message = message
        self._decode = decode

    def make_message(self) -> list[np.ndarray]:
        return sealing.seal(self._message())

    def receive(self, arrays: list[np.ndarray]) -> bool:
        reverb.Client(_address()).insert(arrays, {self._table: 1.0})
        self._decode(channels.Broadcast(_address(), self._table).read())
        return True


class _Queue(_Broadcast):
    """A message to one role, which drops it if it is damaged."""

    def receive(self, arrays: list[np.ndarray]) -> bool:
        reverb.Client(_address()).insert(arrays, {self._table: 1.0})
        received = channels.MessageQueue(_address(), self._table).receive(1)
        for message in received:
            self._decode(message)
        return bool(received)


class _PolicyVariables(_Messages):
    """A published policy. Its table admits only the shapes and dtypes of the policy."""

    name = "job: policy"

    def make_message(self) -> list[np.ndarray]:
        policy_variables.push(_address(), _LEARNER, _policy_values(), _STEP)
        container = reverb_variable_container.ReverbVariableContainer(_address())
        return [tensor.numpy() for tensor in tf.nest.flatten(container.pull())]

    def receive(self, arrays: list[np.ndarray]) -> bool:
        container = reverb_variable_container.ReverbVariableContainer(_address())
        try:
            container.push(tf.nest.pack_sequence_as(container.pull(), arrays))
        except (ValueError, tf.errors.OpError) as error:
            raise errors.RunError("the table rejects these shapes and dtypes") from error
        return policy_variables.pull(_address(), _policy(), _LEARNER) is not None


@functools.cache
def _policy() -> Any:
    return helpers.make_mse_agent().policy


@functools.cache
def _policy_values() -> list[np.ndarray]:
    return policy_variables.read_values(_policy())


@functools.cache
def _server() -> reverb.Server:
    return replay_server.start_server(server_port.ServerPort(), tables.create_tables(_policy()))


def _address() -> str:
    return f"localhost:{_server().port}"


def _load(folder: pathlib.Path) -> list[np.ndarray]:
    return [np.load(path) for path in sorted(folder.iterdir())]


def _are_equal(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    def packed(arrays: Sequence[np.ndarray]) -> bytes:
        file = io.BytesIO()
        for array in arrays:
            np.save(file, array)
        return file.getvalue()

    return packed(some) == packed(others)


def _damage_arrays(
    arrays: list[np.ndarray], generator: np.random.Generator
) -> tuple[list[np.ndarray], str]:
    """Damages an array, its shape, its dtype or the list; at least one array stays."""
    at = int(generator.integers(len(arrays)))
    array = arrays[at]
    kind = mutations.choose(
        generator, ("bytes", "bytes", "bytes", "dtype", "shape", "drop", "repeat", "swap")
    )
    if kind == "bytes":
        damaged, detail = mutations.damage_bytes(array.tobytes(), generator)
        if len(damaged) == array.nbytes:
            new = np.frombuffer(damaged, array.dtype).reshape(array.shape)
        else:
            new = np.frombuffer(damaged, np.uint8)
        return [*arrays[:at], new, *arrays[at + 1 :]], f"array {at}: {detail}"
    if kind == "dtype":
        dtype = mutations.choose(generator, (np.uint8, np.int8, np.float32, np.int64, np.bool_))
        arrays = [*arrays[:at], array.astype(dtype), *arrays[at + 1 :]]
    elif kind == "shape":
        arrays = [*arrays[:at], array[None], *arrays[at + 1 :]]
    elif kind == "drop" and len(arrays) > 1:
        arrays = [*arrays[:at], *arrays[at + 1 :]]
    elif kind == "repeat":
        arrays = [*arrays[:at], array, *arrays[at:]]
    else:
        other = int(generator.integers(len(arrays)))
        arrays = list(arrays)
        arrays[at], arrays[other] = arrays[other], array
    return arrays, f"array {at}: {kind}"


def _make_job() -> list[np.ndarray]:
    leaf = helpers.leaf_statistics(np.random.default_rng(0).normal(size=[50, 2]))
    spec = _datasets.make_spec()
    observation = {"counter": leaf, "image": None, "position": leaf}
    dataset_info = dataset_info_lib.DatasetInfo(
        name="points",
        dataset_hash="ab" * 32,
        spec=spec,
        statistics=dataset_statistics.Statistics(observation, leaf),
        train_episodes=3,
        validation_episodes=1,
    )
    job = job_spec.JobSpec(
        dataset_info,
        job_id="cd" * 16,
        configuration={"--seed": "0", "Adam.learning_rate": "0.003"},
        window=2,
        variables=["kernel:0 float32[2, 8]"],
        release="0.1.0",
    )
    return dataclasses.replace(job, partition=job_spec.Partition(1, 2)).to_message()


def _make_assignments() -> list[np.ndarray]:
    ranges = {"first": (0, 25), "second": (25, 50)}
    return evaluation_messages.Assignments(_LEARNER, _STEP, 3, ranges).to_message()


def _make_report() -> list[np.ndarray]:
    outcomes = tuple(evaluation.Outcome(k, k % 2 == 0, 0.5, 50) for k in range(4))
    return evaluation_messages.Report("first", _LEARNER, _STEP, 3, outcomes).to_message()


def _make_episode() -> list[np.ndarray]:
    return experience_messages.encode_episode(_datasets.make_episode(0))


def _make_batches() -> list[np.ndarray]:
    batch = tf.nest.map_structure(lambda leaf: leaf[None], _datasets.make_episode(0).frames)
    return experience_messages.encode_batches([batch, batch])


TARGETS: list[target_lib.Target] = [
    _Broadcast("job: description", tables.JOB, _make_job, job_spec.JobSpec.from_message),
    _Broadcast(
        "job: assignments",
        tables.ASSIGNMENTS,
        _make_assignments,
        evaluation_messages.Assignments.from_message,
    ),
    _Broadcast(
        "job: validation batches",
        tables.VALIDATION_BATCHES,
        _make_batches,
        functools.partial(experience_messages.decode_batches, spec=_datasets.make_spec()),
    ),
    _Queue("job: report", tables.REPORTS, _make_report, evaluation_messages.Report.from_message),
    _Queue(
        "job: episode",
        tables.EPISODES,
        _make_episode,
        functools.partial(experience_messages.decode_episode, spec=_datasets.make_spec()),
    ),
    _PolicyVariables(),
]
