"""Trains with one process a role: replay server, learner, evaluators and actors.

All on one machine, supervised:

    python -m ibc_agents.distributed --local --num_evaluators=2 --gin_file=gin_configs/particle.gin

One role, to be started beside the others, on any machine, by whatever starts processes:

    python -m ibc_agents.distributed --role=learner --replay_address=replay-0:43210 --gin_file=...

All roles of a job take the same gin files and bindings. Started again with the same --root_dir the
learner goes on from its last checkpoint.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import traceback
from typing import TYPE_CHECKING

from absl import flags

from ibc_agents.cli import command_line, common_flags, error_messages

if TYPE_CHECKING:
    from ibc_agents.distributed.processes import role_process

_ROLE = flags.DEFINE_enum(
    "role", None, ["replay", "learner", "evaluator", "actor"], "What this process is to do."
)
_INDEX = flags.DEFINE_integer(
    "index", 0, "With --role: which of several of its role this process is.", lower_bound=0
)
_LOCAL = flags.DEFINE_bool(
    "local", False, "Start all roles on this machine, and start again what dies."
)
_NUM_EVALUATORS = flags.DEFINE_integer(
    "num_evaluators", 1, "With --local: evaluators to start.", lower_bound=1
)
_NUM_ACTORS = flags.DEFINE_integer(
    "num_actors", 0, "With --local: actors to start, which gather new episodes.", lower_bound=0
)
_MAX_RESTARTS = flags.DEFINE_integer(
    "max_restarts", 20, "With --local: how often each role may die.", lower_bound=0
)
_NUM_LEARNERS = flags.DEFINE_integer(
    "num_learners", 1, "With --local: learners to start, which share every batch.", lower_bound=1
)
_LEARNER_ADDRESSES = flags.DEFINE_list(
    "learner_addresses",
    [],
    "host:port of each of several learners, which listen at those ports for each other and share"
    " every batch.",
)
_REPLAY_ADDRESS = flags.DEFINE_list(
    "replay_address",
    "localhost:43210",
    "host:port of the replay server, which listens at that port; or of several, with commas"
    " between, which hold equal shares of the demonstrations.",
)
_HEALTH_PORT = flags.DEFINE_integer(
    "health_port",
    None,
    "Port of an HTTP endpoint that tells readiness, last step and last contact.",
    lower_bound=1,
    upper_bound=65_535,
)
_PUBLIC = flags.DEFINE_bool(
    "public",
    False,
    "Let other machines connect to the replay server and to --health_port. Reverb asks nobody who"
    " they are: fence the port.",
)
_PATIENCE = flags.DEFINE_float(
    "patience",
    300.0,
    "Seconds to wait for a replay server, or for evaluators, before giving up.",
    lower_bound=1.0,
)
common_flags.define_experiment_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Runs a role, or all of them."""
    from ibc_agents.core import errors

    common_flags.check_experiment_flags()
    role = _ROLE.value
    if _LOCAL.value == (role is not None):
        raise errors.RunError("say either --local or --role=replay, learner, evaluator or actor")
    if role is None:
        _supervise()
    else:
        _play(role)


def _supervise() -> None:
    from ibc_agents.distributed.processes import listening, run_files, stopping, supervisor

    files = run_files.RunFiles(pathlib.Path(FLAGS.root_dir).expanduser().absolute())
    counts = {
        "replay": len(_REPLAY_ADDRESS.value),
        "learner": _NUM_LEARNERS.value,
        "evaluator": _NUM_EVALUATORS.value,
        "actor": _NUM_ACTORS.value,
    }
    learners = [f"localhost:{listening.free_port()}" for _ in range(_NUM_LEARNERS.value)]
    shared = [*_shared_arguments(), f"--learner_addresses={','.join(learners)}"]
    commands = {
        f"{role}-{index}": [f"--role={role}", f"--index={index}", *shared]
        for role, count in counts.items()
        for index in range(count)
    }
    try:
        supervisor.run(commands, "learner-0", files.logs, _MAX_RESTARTS.value)
    except stopping.Stopped as stopped:
        print("stopped; the same command goes on from the last checkpoint", flush=True)
        sys.exit(stopped.exit_code)
    print(f"everything is in {files.root}")


def _shared_arguments() -> list[str]:
    """What every role is told as this process was."""
    shared = ("public", "patience", "root_dir", "data_dir", "seed")
    return [
        f"--replay_address={','.join(_REPLAY_ADDRESS.value)}",
        *(f"--{name}={FLAGS[name].value}" for name in shared),
        *(f"--gin_file={name}" for name in FLAGS.gin_file),
        *(f"--gin_bindings={binding}" for binding in FLAGS.gin_bindings),
    ]


def _play(role: str) -> None:
    from ibc_agents.distributed.processes import role_process, stopping

    process = role_process.RoleProcess(role, _HEALTH_PORT.value, _PUBLIC.value)
    try:
        _run_role(role, process)
    except stopping.Stopped as stopped:
        process.end(stopped.exit_code)
    except Exception as error:
        sentence = error_messages.format_error(error)
        if sentence is None:
            traceback.print_exc()
            process.end(role_process.TRY_AGAIN)
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        process.end(1)
    process.end(0)


def _run_role(role: str, process: role_process.RoleProcess) -> None:
    from ibc_agents.distributed.processes import placement

    configured = common_flags.experiment_from_flags()
    place = placement.Placement(
        _REPLAY_ADDRESS.value,
        _LEARNER_ADDRESSES.value,
        _INDEX.value,
        _PUBLIC.value,
        _PATIENCE.value,
    )
    importlib.import_module(f"ibc_agents.distributed.roles.{role}").run(configured, process, place)


if __name__ == "__main__":
    command_line.run(main, "the same command goes on from the last checkpoint")
