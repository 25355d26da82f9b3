"""Trains a policy as gin files say: demonstrations → training → SavedModel, video, results.

    python -m ibc_agents.train --gin_file=gin_configs/particle.gin --root_dir=runs/particle

Started again with the same --root_dir it goes on from the last checkpoint.
"""

from __future__ import annotations

from absl import flags

from ibc_agents import command_line

_ROOT_DIR = flags.DEFINE_string("root_dir", "runs/latest", "Folder of the run.")
_DATA_DIR = flags.DEFINE_string("data_dir", "datasets", "Folder of collected demonstrations.")
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of weights, training and data order.", lower_bound=0, upper_bound=2**31 - 1
)
command_line.define_gin_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Runs the experiment."""
    from ibc_agents import errors

    if not FLAGS.gin_file and not FLAGS.gin_bindings:
        raise errors.RunError("say what to train: --gin_file=gin_configs/particle.gin")
    command_line.parse_gin(FLAGS.gin_file, FLAGS.gin_bindings)
    experiment = command_line.make_experiment(
        root_dir=_ROOT_DIR.value, data_dir=_DATA_DIR.value, seed=_SEED.value
    )
    experiment.run()
    print(f"everything is in {experiment.root_dir}")


if __name__ == "__main__":
    command_line.run(main, "the same command goes on from the last checkpoint")
