import numpy as np
import pytest

from tests.learning import improvement


def test_a_clear_improvement_is_significant():
    before = np.random.default_rng(0).normal(size=20)
    assert improvement.p_value(before, before + 1) < 1e-3


def test_a_deterioration_is_not():
    before = np.random.default_rng(0).normal(size=20)
    assert improvement.p_value(before, before - 1) > 0.999


def test_p_value_of_few_pairs_is_exact():
    """Of the 8 swaps of 3 pairs, only the one without a swap has a mean difference this large."""
    before = np.array([0.0, 5.0, -3.0])
    assert improvement.p_value(before, before + [1.0, 2.0, 3.0]) == pytest.approx(1 / 8)


def test_equal_policies_rarely_differ():
    """At a level of 0.05, about 5 % of comparisons of equal policies are significant."""
    rng = np.random.default_rng(0)
    found = [improvement.p_value(*rng.normal(size=[2, 10])) < 0.05 for _ in range(200)]
    assert np.mean(found) < 0.1
