"""Intervals agree with published tables, with their equations and with NumPy."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ibc_agents.rollouts import confidence_intervals

Z = stats.norm.ppf(0.975)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_agrees_with_a_published_table(successes, trials, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), Table I, method 3."""
    found = confidence_intervals.wilson_interval(successes, trials)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_ends_exactly_at_zero_and_one():
    low, high = confidence_intervals.wilson_interval(0, 20)
    assert low == 0.0 and high == pytest.approx(0.1611, abs=5e-5)  # Newcombe, Table I
    assert confidence_intervals.wilson_interval(20, 20) == (pytest.approx(1 - high), 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_solves_the_score_equation(counts):
    """At an end p of the interval, (successes / trials − p)² = z² p (1 − p) / trials."""
    successes, trials = counts
    low, high = confidence_intervals.wilson_interval(successes, trials)
    assert 0.0 <= low <= successes / trials <= high <= 1.0
    for end in (low, high):
        squared = (successes / trials - end) ** 2
        assert squared == pytest.approx(Z**2 * end * (1 - end) / trials, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 0), (-1, 4), (5, 4)])
def test_impossible_counts_are_rejected(counts):
    with pytest.raises(ValueError, match="got {} of {}".format(*counts)):
        confidence_intervals.wilson_interval(*counts)


def test_proportion_is_described_with_its_interval():
    described = json.loads(json.dumps(confidence_intervals.describe_proportion(3, 4)))
    assert described == {
        "rate": 0.75,
        "interval": list(confidence_intervals.wilson_interval(3, 4)),
        "confidence": 0.95,
        "successes": 3,
        "episodes": 4,
    }


def test_mean_is_described_with_its_interval():
    """1 … 9 has variance 7.5, so its mean 5 has the interval ± 1.96 √(7.5 / 9)."""
    found = confidence_intervals.describe_mean(range(1, 10))
    assert found["mean"] == 5.0
    assert found["standard_deviation"] == pytest.approx(2.738613)
    assert found["interval"] == pytest.approx([3.210805, 6.789195])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_mean_agrees_with_scipy(values):
    found = confidence_intervals.describe_mean(values)
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["standard_deviation"] == pytest.approx(np.std(values, ddof=1))
    half_width = Z * stats.sem(values)
    expected = [np.mean(values) - half_width, np.mean(values) + half_width]
    assert found["interval"] == pytest.approx(expected, abs=1e-6)


def test_single_value_has_no_interval():
    described = {"mean": 1.5, "standard_deviation": None, "interval": None}
    assert confidence_intervals.describe_mean([1.5]) == described
