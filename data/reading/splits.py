"""Which episodes are kept, and which of them are held out for validation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data.errors import DataError
from data.reading.episode_collection import EpisodeSummary

_HASH_DIGITS = 8


def keep_top_returns(
    name: str, summaries: dict[int, EpisodeSummary], fraction: float
) -> dict[int, EpisodeSummary]:
    """Keeps the episodes of the highest returns.

    Among equal returns it keeps those of the smallest content hashes, so the choice does not
    depend on the order of the episodes.

    Args:
        name: Name of the dataset, for messages.
        summaries: The episodes, by number.
        fraction: Fraction of the episodes to keep, rounded up to a whole number; in (0, 1].

    Returns:
        The kept episodes, by number, in increasing order.

    Raises:
        DataError: If a return is not finite, or all returns are equal.
    """
    returns = {summary.total_reward for summary in summaries.values()}
    if not all(map(math.isfinite, returns)):
        raise DataError(
            f"{name}: the return of an episode is NaN or infinite. Remove that episode, or set "
            "top_return_fraction to 1."
        )
    if len(returns) == 1 < len(summaries):
        raise DataError(
            f"{name}: all {len(summaries)} episodes have the return {returns.pop():.6g}, so no "
            "episode is better than another. Set top_return_fraction to 1."
        )
    best_first = sorted(
        summaries, key=lambda n: (-summaries[n].total_reward, summaries[n].content_hash)
    )
    kept = best_first[: math.ceil(fraction * len(summaries))]
    return {number: summaries[number] for number in sorted(kept)}


def validation_hashes(hashes: Sequence[str], fraction: float) -> set[str]:
    """Returns the content hashes of the episodes to hold out for validation.

    An episode is held out if the first 32 bits of its content hash, divided by 2³², are below
    `fraction`. Of two or more different episodes at least one is held out (that of the smallest
    hash) and at least one is left to train on (that of the largest).

    Args:
        hashes: Content hashes of all episodes. Equal episodes have equal hashes and stay together.
        fraction: In [0, 1). With 0 nothing is held out.

    Examples:
        >>> sorted(validation_hashes(["00000000", "40000000", "c0000000"], 0.5))
        ['00000000', '40000000']
    """
    distinct = sorted(set(hashes))
    if fraction == 0.0 or len(distinct) < 2:
        return set()
    held_out = {h for h in distinct if int(h[:_HASH_DIGITS], 16) / 16**_HASH_DIGITS < fraction}
    return (held_out | {distinct[0]}) - {distinct[-1]}
