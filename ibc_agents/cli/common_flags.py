"""Flags that several commands share."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from ibc_agents.cli import gin_files, path_flags
from ibc_agents.core import errors

if TYPE_CHECKING:
    from ibc_agents.runs import experiment

# --help lists a flag with the command that calls the function, not with this module.
flags.disclaim_key_flags()


def define_gin_flags() -> None:
    """Defines --gin_file and --gin_bindings."""
    path_flags.define_paths(
        "gin_file",
        "Gin file, relative to the current folder or to the installation. Repeatable; later files"
        " override earlier ones.",
    )
    flags.DEFINE_multi_string(
        "gin_bindings",
        [],
        "Binding such as 'TrainingSettings.num_steps=100', read after the files. Repeatable.",
    )


def define_environment_flag() -> None:
    """Defines --environment."""
    flags.DEFINE_string(
        "environment",
        None,
        "Name of a task, such as d4rl/door: short for --gin_file=gin_configs/tasks/NAME.gin.",
    )


def define_trust_flag() -> None:
    """Defines --trust, for commands that read the gin file of a run."""
    flags.DEFINE_bool(
        "trust",
        False,
        "Let the gin file of the run import any module, so that it can run any code. Your own runs"
        " need it if they use modules of your own.",
    )


def parse_gin_flags(first: Sequence[str] = (), run_config: pathlib.Path | None = None) -> None:
    """Reads the gin files and bindings of --gin_file and --gin_bindings.

    Args:
        first: Gin files to read before them.
        run_config: Gin file of a run, to read before all others. Requires `define_trust_flag`.

    Raises:
        RunError: If a gin file or a binding is wrong.
    """
    values = flags.FLAGS
    files = [*first, *values.gin_file]
    if run_config is not None and values.trust:
        files, run_config = [str(run_config), *files], None
    gin_files.parse_gin(files, values.gin_bindings, run_config)


def parse_environment_and_gin_flags(run_config: pathlib.Path | None = None) -> None:
    """Reads the gin files and bindings of --environment, --gin_file and --gin_bindings.

    Args:
        run_config: See `parse_gin_flags`.

    Raises:
        RunError: If a gin file, a binding or the name of the environment is wrong.
    """
    parse_gin_flags(gin_files.environment_files(flags.FLAGS.environment), run_config)


def define_experiment_flags() -> None:
    """Defines --root_dir, --data_dir, --seed and the gin flags."""
    path_flags.define_path("root_dir", "runs/latest", "Folder of the run.")
    path_flags.define_path("data_dir", "datasets", "Folder of collected demonstrations.")
    flags.DEFINE_integer(
        "seed",
        0,
        "Seed of the weight initialization, the training and the data order.",
        lower_bound=0,
        upper_bound=2**31 - 1,
    )
    define_gin_flags()


def check_experiment_flags() -> None:
    """Checks that the flags name a gin file or a binding.

    Raises:
        RunError: If they name neither.
    """
    if not flags.FLAGS.gin_file and not flags.FLAGS.gin_bindings:
        raise errors.RunError("name what to train, such as --gin_file=gin_configs/particle.gin")


def experiment_from_flags() -> experiment.Experiment:
    """Returns the experiment that the flags of `define_experiment_flags` describe.

    Raises:
        RunError: If a gin file or a binding is wrong, or there is none.
    """
    check_experiment_flags()
    parse_gin_flags()

    from ibc_agents.runs import experiment

    values = flags.FLAGS
    return experiment.Experiment.from_gin(values.root_dir, values.data_dir, values.seed)
