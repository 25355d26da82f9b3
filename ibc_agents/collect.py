"""Collects demonstrations of a scripted demonstrator into a dataset folder.

    python -m ibc_agents.collect --environment=particle --episodes=2000 --out=datasets/particle

The folder appears when it is complete. After an interruption, the same command continues from the
finished shards. `python -m data.inspect` describes the dataset.
"""

from __future__ import annotations

from absl import flags

from ibc_agents.cli import command_line, common_flags, path_flags

_EPISODES = flags.DEFINE_integer("episodes", 2000, "Number of demonstrations.", lower_bound=1)
_OUT = path_flags.define_path(
    "out", None, "Folder of the dataset. It must not exist yet.", required=True
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the dataset. Episode k depends on (seed, k) alone.", lower_bound=0
)
_PROCESSES = flags.DEFINE_integer(
    "processes",
    None,
    "Number of processes. Default: one for each core, or one if the environment has a vector form.",
    lower_bound=1,
)
common_flags.define_environment_flag()
common_flags.define_gin_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Collects the demonstrations."""
    from ibc_agents.core import errors
    from ibc_agents.rollouts import collection

    common_flags.parse_environment_and_gin_flags()

    from ibc_agents.runs import task as task_lib

    task = task_lib.Task()
    if task.environment is None or task.demonstrator is None:
        raise errors.RunError(
            "no task is given; pass --environment=particle, or a gin file that sets "
            "Task.environment and Task.demonstrator."
        )
    rate = collection.collect(
        _OUT.value,
        task.environment,
        task.demonstrator,
        _EPISODES.value,
        _SEED.value,
        num_processes=_PROCESSES.value,
    )
    print(f"{_EPISODES.value} demonstrations, {rate:.1%} successful, in {_OUT.value}")


if __name__ == "__main__":
    command_line.run(main, "the same command continues from the finished shards")
