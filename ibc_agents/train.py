"""Trains a policy as gin files say: demonstrations → training → SavedModel, video, results.

    python -m ibc_agents.train --gin_file=gin_configs/particle.gin --root_dir=runs/particle

Started again with the same --root_dir it goes on from the last checkpoint.
"""

from __future__ import annotations

from ibc_agents.cli import command_line, common_flags

common_flags.define_experiment_flags()


def main() -> None:
    """Runs the experiment."""
    experiment = common_flags.experiment_from_flags()
    experiment.run()
    print(f"everything is in {experiment.root_dir}")


if __name__ == "__main__":
    command_line.run(main, "the same command goes on from the last checkpoint")
