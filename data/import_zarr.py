r"""Imports a zarr replay buffer of Diffusion Policy into a dataset folder.

    python -m data.import_zarr --source=pusht_cchi_v7_replay.zarr --out=datasets/push_t_pixels \
      --observation_keys='image=img,agent_pos=state[0:2]'

The folder has the group `data` with columns [L, …], one of them `action`, and `meta/episode_ends`.
Inspect the dataset with `python -m data.inspect`.

References:
    https://github.com/real-stanford/diffusion_policy
"""

from __future__ import annotations

import os

from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("Folder of a zarr replay buffer (format 2).")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS


def main() -> None:
    """Imports the folder."""
    from data.formats import recorded_episodes
    from data.formats.parsers import guarded_parsing

    parsed = guarded_parsing.parse(
        "data.formats.parsers.zarr_parser",
        FLAGS.source,
        "a zarr replay buffer",
        FLAGS.observation_keys,
    )
    header = next(parsed)
    origin = {
        "source": os.path.basename(os.path.normpath(FLAGS.source)),
        "source_format": "zarr replay buffer",
    }
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, parsed, recorded_episodes.episode_from_transitions
    )
    command_flags.write_dataset(episodes, header["total"], origin)


if __name__ == "__main__":
    command_line.run(main)
