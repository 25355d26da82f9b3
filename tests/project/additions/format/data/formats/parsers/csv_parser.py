"""Episodes of a CSV file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np


def parse(path: str) -> Iterator:
    """Yields a dict with the number of episodes, and then the episodes.

    Args:
        path: The CSV file, one line per frame.

    Yields:
        A dict; then the name of each episode and the arguments of
        `recorded_episodes.episode_from_transitions`.
    """
    table = np.genfromtxt(path, delimiter=",", names=True, dtype=np.float32)
    episodes = [
        np.array(list(rows)) for _, rows in itertools.groupby(table, lambda r: r["episode"])
    ]
    yield {"total": len(episodes)}
    for rows in episodes:
        observation, action = (
            np.stack([rows[name] for name in table.dtype.names if name.startswith(prefix)], axis=1)
            for prefix in ("observation_", "action_")
        )
        columns = {"observation": observation, "action": action, "reward": rows["reward"]}
        yield f"episode {rows['episode'][0]:.0f}", {**columns, "terminal": True}
