"""Means and intervals over runs, compared with closed forms."""

import math

import numpy as np
import pytest

from ibc_agents.studies import summarize, summarize_successes


def test_interval_is_students():
    values = [1.0, 2.0, 4.0]
    summary = summarize(values)
    deviation = math.sqrt(sum((value - 7 / 3) ** 2 for value in values) / 2)
    # 4.302653 is the 97.5 % quantile of Student's distribution with two degrees of freedom.
    half_width = 4.302653 * deviation / math.sqrt(3)
    assert summary.mean == pytest.approx(7 / 3)
    assert summary.standard_deviation == pytest.approx(deviation)
    np.testing.assert_allclose(
        summary.interval, [7 / 3 - half_width, 7 / 3 + half_width], rtol=1e-6
    )


def test_one_run_has_neither_deviation_nor_interval():
    summary = summarize([3.0])
    assert (summary.mean, summary.standard_deviation, summary.interval) == (3.0, None, None)


def test_equal_runs_have_an_interval_of_zero_width():
    assert summarize([2.0, 2.0]).interval == (2.0, 2.0)


def test_no_runs_are_rejected():
    with pytest.raises(ValueError, match="at least one value"):
        summarize([])


def test_successes_are_pooled_with_wilsons_interval():
    summary = summarize_successes([90, 100], [100, 100])
    z, n, share = 1.959964, 200, 0.95
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert summary.mean == pytest.approx(share)
    np.testing.assert_allclose(summary.interval, [center - half, center + half], rtol=1e-5)
    assert summary.standard_deviation == pytest.approx(np.std([0.9, 1.0], ddof=1))
