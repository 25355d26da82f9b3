"""Trains a policy: demonstrations → training → SavedModel, video and results.

    python -m ibc_agents.train --gin_file=gin_configs/particle.gin --root_dir=runs/particle

After an interruption, the same command continues from the last checkpoint.
"""

from __future__ import annotations

from ibc_agents.cli import command_line, common_flags

common_flags.define_experiment_flags()


def main() -> None:
    """Runs the experiment that the flags describe."""
    experiment = common_flags.experiment_from_flags()
    experiment.run()
    print(f"all files are in {experiment.root_dir}")


if __name__ == "__main__":
    command_line.run(main, "the same command continues from the last checkpoint")
