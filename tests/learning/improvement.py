"""Tests whether one policy is significantly better than another.

References:
    Gleave et al., "imitation: Clean Imitation Learning Implementations", 2022, whose learning tests
    compare returns by a permutation test (`testing/reward_improvement.py`).
    https://arxiv.org/abs/2211.11972
"""

from __future__ import annotations

import numpy as np
import scipy.stats

_RESAMPLES = 9999


def p_value(before: np.ndarray, after: np.ndarray) -> float:
    """Returns the p-value of "the scores after are not higher", from a paired permutation test.

    The statistic is the mean difference of an episode's two scores. If the policies were equal,
    swapping the scores of any episodes would change the statistic by chance only. The p-value is
    the share of random swaps, of 9999 with a fixed seed, with a statistic at least as large.

    Args:
        before: Scores of the episodes with one policy, [N].
        after: Scores of the same episodes with the other policy, [N].
    """
    result = scipy.stats.permutation_test(
        (after, before),
        lambda new, old, axis: np.mean(new - old, axis=axis),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=_RESAMPLES,
        random_state=0,
    )
    return float(result.pvalue)
