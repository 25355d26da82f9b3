"""Estimates of success rates and means with 95 % confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

CONFIDENCE = 0.95
# The 97.5 % quantile of the standard normal distribution.
_QUANTILE = 1.959963984540054


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Computes the 95 % score interval of a success probability.

    Args:
        successes: Number of successes, in [0, `trials`].
        trials: Number of independent trials, at least 1.

    Returns:
        The ends of the interval, in [0, 1].

    Raises:
        ValueError: If a number is out of range.

    References:
        Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
        https://doi.org/10.1080/01621459.1927.10502953

    Examples:
        >>> low, high = wilson_interval(95, 100)
        >>> print(f"{low:.3f} {high:.3f}")
        0.888 0.978
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(
            f"successes must be in [0, trials] and trials at least 1, got {successes} of {trials}."
        )
    z, share = _QUANTILE, successes / trials
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    spread = math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    half_width = z / (1 + z**2 / trials) * spread
    # These ends are exact, and rounding would move them.
    low = 0.0 if successes == 0 else center - half_width
    high = 1.0 if successes == trials else center + half_width
    return low, high


def describe_proportion(successes: int, trials: int) -> dict[str, Any]:
    """Returns a success rate and its 95 % Wilson interval as JSON types.

    Args:
        successes: Number of successes, in [0, `trials`].
        trials: Number of independent trials, at least 1.

    Returns:
        `rate`, `interval` [low, high] and `confidence`, in [0, 1]; `successes` and `episodes`.
    """
    return {
        "rate": successes / trials,
        "interval": list(wilson_interval(successes, trials)),
        "confidence": CONFIDENCE,
        "successes": successes,
        "episodes": trials,
    }


def describe_mean(values: Sequence[float]) -> dict[str, Any]:
    """Returns a sample mean and its 95 % normal interval as JSON types.

    The interval is mean ± 1.96 s / √n, with the sample's standard deviation s.

    Args:
        values: The sample, n ≥ 1 numbers.

    Returns:
        `mean`, `standard_deviation` (with n − 1 degrees of freedom) and `interval` [low, high]. The
        latter two are None if n is 1.
    """
    mean = float(np.mean(values))
    if len(values) == 1:
        return {"mean": mean, "standard_deviation": None, "interval": None}
    deviation = float(np.std(values, ddof=1))
    half_width = _QUANTILE * deviation / math.sqrt(len(values))
    interval = [mean - half_width, mean + half_width]
    return {"mean": mean, "standard_deviation": deviation, "interval": interval}
