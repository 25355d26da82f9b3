"""Trains with one process per role: replay servers, learners, evaluators and actors.

All roles on this machine, restarted when they die:

    python -m ibc_agents.distributed --local --num_evaluators=2 --gin_file=gin_configs/particle.gin

One role, for a job on several machines:

    python -m ibc_agents.distributed --role=learner --replay_address=replay-0:43210 --gin_file=...

All roles of a job take the same gin files and bindings. With the same --root_dir, the learner
continues from its last checkpoint.
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

_DEFAULT_REPLAY_ADDRESS = "localhost:43210"

_ROLE = flags.DEFINE_enum(
    "role", None, ["replay", "learner", "evaluator", "actor"], "Role of this process."
)
_INDEX = flags.DEFINE_integer(
    "index",
    0,
    "With --role: index of this process among the replay servers or learners.",
    lower_bound=0,
)
_LOCAL = flags.DEFINE_bool(
    "local", False, "Start all roles on this machine, and restart those that die."
)
_NUM_EVALUATORS = flags.DEFINE_integer(
    "num_evaluators", 1, "With --local: number of evaluators.", lower_bound=1
)
_NUM_ACTORS = flags.DEFINE_integer(
    "num_actors", 0, "With --local: number of actors, which gather new episodes.", lower_bound=0
)
_MAX_RESTARTS = flags.DEFINE_integer(
    "max_restarts", 20, "With --local: largest number of restarts of each role.", lower_bound=0
)
_NUM_LEARNERS = flags.DEFINE_integer(
    "num_learners",
    1,
    "With --local: number of learners, each of which takes a part of every batch.",
    lower_bound=1,
)
_LEARNER_ADDRESSES = flags.DEFINE_list(
    "learner_addresses",
    [],
    "Comma-separated host:port of each learner, for several learners. Each listens on its own"
    " address.",
)
_REPLAY_ADDRESS = flags.DEFINE_list(
    "replay_address",
    None,
    "Comma-separated host:port of each replay server. Each listens on its own address and holds an"
    " equal part of the demonstrations. Default: localhost:43210; with --local, a free port.",
)
_HEALTH_PORT = flags.DEFINE_integer(
    "health_port",
    None,
    "Port of an HTTP endpoint that reports readiness, train step and last contact; with --local,"
    " of the whole job.",
    lower_bound=1,
    upper_bound=65_535,
)
_PUBLIC = flags.DEFINE_bool(
    "public",
    False,
    "Accept connections from other machines. Reverb has no authentication: protect the ports with a"
    " firewall.",
)
_PATIENCE = flags.DEFINE_float(
    "patience",
    300.0,
    "Longest time to wait for a replay server or for evaluators, in seconds.",
    lower_bound=1.0,
)
_GRACE = flags.DEFINE_float(
    "grace",
    8.0,
    "Time from SIGTERM to a forced exit of a role, in seconds. It must be shorter than that of the"
    " cluster manager.",
    lower_bound=0.0,
)
common_flags.define_experiment_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Runs one role, or supervises all of them."""
    from ibc_agents.core import errors

    common_flags.check_experiment_flags()
    role = _ROLE.value
    if _LOCAL.value == (role is not None):
        raise errors.RunError("pass either --local or --role=replay, learner, evaluator or actor")
    if role is None:
        _supervise()
    else:
        _run_process(role)


def _supervise() -> None:
    from ibc_agents.distributed import job_directory
    from ibc_agents.distributed.processes import ports, shutdown, supervisor

    root_dir = pathlib.Path(FLAGS.root_dir).absolute()
    directory = job_directory.JobDirectory(root_dir)
    with ports.hold_free_ports(1 + _NUM_LEARNERS.value) as free_ports:
        replay, *learners = (f"localhost:{port}" for port in free_ports)
        commands = _role_commands(_REPLAY_ADDRESS.value or [replay], learners)
        try:
            supervisor.run(
                commands,
                "learner-0",
                directory.logs,
                _MAX_RESTARTS.value,
                _HEALTH_PORT.value,
                _PUBLIC.value,
                _GRACE.value,
            )
        except shutdown.ShutdownRequested as request:
            print("stopped; the same command continues from the last checkpoint", flush=True)
            sys.exit(request.exit_code)
    print(f"the results are in {directory.root}")


def _role_commands(
    replay_addresses: list[str], learner_addresses: list[str]
) -> dict[str, list[str]]:
    """Returns the arguments of each role of a local job, by its name."""
    counts = {
        "replay": len(replay_addresses),
        "learner": _NUM_LEARNERS.value,
        "evaluator": _NUM_EVALUATORS.value,
        "actor": _NUM_ACTORS.value,
    }
    shared = [
        f"--replay_address={','.join(replay_addresses)}",
        f"--learner_addresses={','.join(learner_addresses)}",
        *_shared_arguments(),
    ]
    return {
        f"{role}-{index}": [f"--role={role}", f"--index={index}", *shared]
        for role, count in counts.items()
        for index in range(count)
    }


def _shared_arguments() -> list[str]:
    """Returns the flags of this process that every role gets."""
    shared = ("public", "patience", "grace", "root_dir", "data_dir", "seed")
    return [
        *(f"--{name}={FLAGS[name].value}" for name in shared),
        *(f"--gin_file={name}" for name in FLAGS.gin_file),
        *(f"--gin_bindings={binding}" for binding in FLAGS.gin_bindings),
    ]


def _run_process(role: str) -> None:
    from ibc_agents.distributed.processes import role_process, shutdown

    process = role_process.RoleProcess(role, _HEALTH_PORT.value, _PUBLIC.value, _GRACE.value)
    try:
        _run_role(role, process)
    except shutdown.ShutdownRequested as request:
        process.exit(request.exit_code)
    except Exception as error:
        message = error_messages.format_error(error)
        if message is None:
            traceback.print_exc()
            process.exit(role_process.TEMPORARY_FAILURE)
        print(f"error: {message}", file=sys.stderr, flush=True)
        process.exit(1)
    process.exit(0)


def _run_role(role: str, process: role_process.RoleProcess) -> None:
    from ibc_agents.distributed.processes import cluster as cluster_lib
    from ibc_agents.distributed.roles import role_context

    experiment = common_flags.experiment_from_flags()
    cluster = cluster_lib.ClusterConfig(
        replay_addresses=_REPLAY_ADDRESS.value or [_DEFAULT_REPLAY_ADDRESS],
        learner_addresses=_LEARNER_ADDRESSES.value,
        index=_INDEX.value,
        public=_PUBLIC.value,
        patience_seconds=_PATIENCE.value,
    )
    module = importlib.import_module(f"ibc_agents.distributed.roles.{role}")
    module.run(role_context.RoleContext(experiment, process, cluster))


if __name__ == "__main__":
    command_line.run(main, "the same command continues from the last checkpoint")
