"""Imports an HDF5 file of robomimic into a dataset folder.

    python -m data.import_robomimic --source=low_dim.hdf5 --out=datasets/lift --filter_key=train

Inspect the dataset with `python -m data.inspect`.

References:
    https://robomimic.github.io/docs/datasets/overview.html
"""

from __future__ import annotations

import os

from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

_FILTER_KEY = flags.DEFINE_string(
    "filter_key", None, "Import only the demonstrations of this filter key of the file."
)
path_flags.define_import_paths("HDF5 file of robomimic, with observations.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
FLAGS = flags.FLAGS

_KIND = "an HDF5 file of robomimic"


def main() -> None:
    """Imports the file."""
    from data.formats import recorded_episodes
    from data.formats.parsers import guarded_parsing
    from data.shards import manifest

    parsed = guarded_parsing.parse(
        "data.formats.parsers.robomimic_parser",
        FLAGS.source,
        _KIND,
        _FILTER_KEY.value,
        FLAGS.observation_keys,
    )
    header = next(parsed)
    origin = {
        "source": os.path.basename(FLAGS.source),
        "source_format": "robomimic HDF5",
        "source_sha256": manifest.file_sha256(FLAGS.source),
    }
    if header["environment"] is not None:
        origin["source_environment"] = header["environment"]
    if _FILTER_KEY.value is not None:
        origin["source_filter_key"] = _FILTER_KEY.value
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, parsed, recorded_episodes.episode_from_transitions
    )
    command_flags.write_dataset(episodes, header["total"], origin)


if __name__ == "__main__":
    command_line.run(main)
