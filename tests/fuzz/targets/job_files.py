"""Files that the roles of a job read when they start again."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
import reverb

from data.sources import replay_server, server_port
from ibc_agents.core import errors
from ibc_agents.distributed import job_directory
from ibc_agents.distributed.evaluation import evaluation_queue, evaluation_table
from ibc_agents.distributed.roles import replay_checkpoint
from ibc_agents.rollouts import evaluation
from tests.fuzz import mutations
from tests.fuzz import target as target_lib

_ITEMS = 20


class _Files(target_lib.Target):
    """Files whose damage is that of their bytes, or of what lies at their paths."""

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        return mutations.damage_folder(folder, generator)


class _ReplayCheckpoint(_Files):
    """The checkpoint of a replay server, which reads the shards again if it is damaged."""

    name = "job: replay checkpoint"
    mutants = 400

    def prepare(self, folder: pathlib.Path) -> None:
        with _serve(folder / "job") as (checkpoint, address):
            client = reverb.Client(address)
            for number in range(_ITEMS):
                client.insert([np.full([100], number, np.uint8)], {"demonstrations": 1.0})
            checkpoint.write(address)

    def read(self, folder: pathlib.Path) -> None:
        with _serve(folder / "job") as (_, address):
            tables = reverb.Client(address).server_info(timeout=10)
            if tables["demonstrations"].current_size not in (0, _ITEMS):
                raise target_lib.Wrong("a part of the items was restored")


class _WaitingPolicies(_Files):
    """Policies that wait for their evaluation, which is skipped if they are damaged."""

    name = "job: waiting policies"
    mutants = 400
    _values = (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64))

    def prepare(self, folder: pathlib.Path) -> None:
        queue = evaluation_queue.EvaluationQueue(folder / "waiting")
        for step in (100, 200):
            queue.add(evaluation_queue.PendingEvaluation(step, 0, 4), self._values)

    def read(self, folder: pathlib.Path) -> None:
        queue = evaluation_queue.EvaluationQueue(folder / "waiting")
        damaged = 0
        for pending in queue.pending():
            try:
                values = queue.load(pending)
            except evaluation_queue.DamagedPolicyError:
                queue.remove(pending)
                damaged += 1
                continue
            for found, expected in zip(values, self._values, strict=True):
                if not np.array_equal(found, expected):
                    raise target_lib.Wrong("a damaged policy was used")
        if damaged:
            raise errors.RunError("a waiting policy is damaged")


class _EvaluationTable(_Files):
    """The table of evaluations."""

    name = "job: evaluation table"
    mutants = 600

    def prepare(self, folder: pathlib.Path) -> None:
        table = evaluation_table.EvaluationTable(folder / "evaluations.csv")
        for step in (100, 200):
            outcomes = tuple(evaluation.Outcome(k, k < 3, 0.0, 1) for k in range(4))
            result = evaluation.Evaluation(3, outcomes)
            table.add(evaluation_table.Row.from_evaluation(step, result, 2))

    def read(self, folder: pathlib.Path) -> None:
        table = evaluation_table.EvaluationTable(folder / "evaluations.csv")
        outcomes = tuple(evaluation.Outcome(k, k < 3, 0.0, 1) for k in range(4))
        result = evaluation.Evaluation(3, outcomes)
        table.add(evaluation_table.Row.from_evaluation(300, result, 2))
        evaluation_table.EvaluationTable(folder / "evaluations.csv")


class _JobId(_Files):
    """The identifier of the job of a folder."""

    name = "job: identifier"
    mutants = 200

    def prepare(self, folder: pathlib.Path) -> None:
        (folder / "job_id").write_text("0123456789abcdef" * 2 + "\n")

    def read(self, folder: pathlib.Path) -> None:
        job_id = job_directory.JobDirectory(folder).make_job_id()
        if len(job_id) != 32:
            raise target_lib.Wrong(f"the identifier is {job_id!r}")


@contextlib.contextmanager
def _serve(
    folder: pathlib.Path,
) -> Iterator[tuple[replay_checkpoint.ReplayCheckpoint, str]]:
    """Yields a checkpoint, and the address of the server that has restored it."""
    checkpoint = replay_checkpoint.ReplayCheckpoint(folder, lambda text: None)
    server = replay_server.start_server(
        server_port.ServerPort(), replay_server.replay_tables(), checkpoint.checkpointer
    )
    yield checkpoint, f"localhost:{server.port}"
    server.stop()


TARGETS: list[target_lib.Target] = [
    _ReplayCheckpoint(),
    _WaitingPolicies(),
    _EvaluationTable(),
    _JobId(),
]
