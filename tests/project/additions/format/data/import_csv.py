"""Imports a CSV file into a dataset folder.

    python -m data.import_csv --source=episodes.csv --out=datasets/from_csv

One line is a frame. The columns are `episode`, `observation_0` …, `action_0` … and `reward`.
"""

from __future__ import annotations

from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("CSV file, one line per frame.")
command_flags.define_import_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Imports the file."""
    from data.formats import recorded_episodes
    from data.formats.parsers import guarded_parsing
    from data.shards import manifest

    parsed = guarded_parsing.parse(
        "data.formats.parsers.csv_parser", FLAGS.source, "a CSV file with a header"
    )
    header = next(parsed)
    origin = {
        "source": FLAGS.source,
        "source_format": "CSV",
        "source_sha256": manifest.file_sha256(FLAGS.source),
    }
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, parsed, recorded_episodes.episode_from_transitions
    )
    command_flags.write_dataset(episodes, header["total"], origin)


if __name__ == "__main__":
    command_line.run(main)
