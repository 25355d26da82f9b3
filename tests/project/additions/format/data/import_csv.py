"""Imports a CSV file into a dataset folder.

    python -m data.import_csv --source=episodes.csv --out=datasets/from_csv

One line is a frame. The columns are `episode`, `observation_0` …, `action_0` … and `reward`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

path_flags.define_import_paths("CSV file, one line per frame.")
command_flags.define_import_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Imports the file."""
    from data.formats import library_errors
    from data.shards import manifest

    with library_errors.report_unreadable(FLAGS.source, "a CSV file with a header"):
        table = np.genfromtxt(FLAGS.source, delimiter=",", names=True, dtype=np.float32)
        episodes = [list(rows) for _, rows in itertools.groupby(table, lambda row: row["episode"])]
    origin = {
        "source": FLAGS.source,
        "source_format": "CSV",
        "source_sha256": manifest.file_sha256(FLAGS.source),
    }
    command_flags.write_dataset(_read(episodes), len(episodes), origin)


def _read(episodes: list[list[np.void]]) -> Iterator:
    from data.formats import recorded_episodes

    for rows in episodes:
        names = rows[0].dtype.names
        observation, action = (
            np.array([[row[name] for name in names if name.startswith(prefix)] for row in rows])
            for prefix in ("observation_", "action_")
        )
        rewards = np.array([row["reward"] for row in rows])
        yield recorded_episodes.episode_from_transitions(
            observation, action, rewards, terminal=True
        )


if __name__ == "__main__":
    command_line.run(main)
