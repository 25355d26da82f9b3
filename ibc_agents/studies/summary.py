"""Statistics over the runs of a cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

from ibc_agents.rollouts import confidence_intervals


@dataclasses.dataclass(frozen=True)
class Summary:
    """A mean, its spread over runs, and its confidence interval.

    Attributes:
        mean: Mean of the values, or the success rate.
        standard_deviation: Sample standard deviation over runs (n − 1); None for one run.
        interval: 95 % confidence interval of the mean; None for one value.
    """

    mean: float
    standard_deviation: float | None
    interval: tuple[float, float] | None


def summarize(values: Sequence[float]) -> Summary:
    """Returns mean, standard deviation and Student's t interval of the mean.

    The interval assumes independent runs with normally distributed values.

    Examples:
        >>> summarize([1.0, 2.0, 3.0]).standard_deviation
        1.0

    Args:
        values: One value per run, at least one.

    Raises:
        ValueError: If there are no values.

    References:
        Student, "The probable error of a mean", 1908. https://doi.org/10.2307/2331554
    """
    if not len(values):
        raise ValueError("summarize needs at least one value.")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Summary(mean, None, None)
    deviation = float(np.std(values, ddof=1))
    if deviation == 0.0:
        return Summary(mean, deviation, (mean, mean))
    error = deviation / np.sqrt(len(values))
    low, high = stats.t.interval(
        confidence_intervals.CONFIDENCE, len(values) - 1, loc=mean, scale=error
    )
    return Summary(mean, deviation, (float(low), float(high)))


def summarize_successes(successes: Sequence[int], episodes: Sequence[int]) -> Summary:
    """Returns the success rate over the episodes of all runs, with Wilson's interval.

    Args:
        successes: Successful episodes of each run.
        episodes: Episodes of each run, at least 1 each.

    Returns:
        The pooled success rate and its interval. The standard deviation is that of the success
        rates of the runs.

    Raises:
        ValueError: If there are no runs.
    """
    shares = [won / played for won, played in zip(successes, episodes, strict=True)]
    pooled = summarize(shares)
    interval = confidence_intervals.wilson_interval(sum(successes), sum(episodes))
    return Summary(sum(successes) / sum(episodes), pooled.standard_deviation, interval)
