"""Comparisons of two implementations on idle and on busy machines."""

import numpy as np
import pytest

from ibc_agents.acceleration import speed_comparison
from tests.ibc_agents.acceleration import fake_machine

NUM_TRIALS = 200


def compare(busy, speedup):
    return speed_comparison.SpeedComparison.measure(
        busy.work(0.05), busy.work(0.05 / speedup), busy
    )


def jittery(seed):
    """A machine on which the durations of a work differ by a tenth."""
    rng = np.random.default_rng(seed)
    return fake_machine.FakeMachine(lambda: rng.lognormal(0.0, 0.1))


def heavy_tailed(seed):
    """A machine on which every second work takes about twice as long, and some take 20 times."""
    rng = np.random.default_rng(seed)
    return fake_machine.FakeMachine(lambda: 1.0 + rng.pareto(1.2) * (rng.uniform() < 0.7))


def in_bursts(seed):
    """A machine that is six times as slow in some stretches of time."""
    rng = np.random.default_rng(seed)
    busy = fake_machine.FakeMachine()
    period, phase = rng.uniform(0.2, 2.0, 2)
    busy.slowdown = lambda: 6.0 if (busy.seconds() + phase) % period < 0.3 * period else 1.0
    return busy


def ever_busier(seed):
    """A machine whose load grows until work takes several times as long."""
    busy = fake_machine.FakeMachine()
    busy.slowdown = lambda: 1.0 + 3.0 * busy.seconds()
    return busy


def test_speedup_of_an_idle_machine():
    found = compare(fake_machine.FakeMachine(), 1.5)
    np.testing.assert_allclose([found.low, found.speedup, found.high], 1.5)
    assert found.share_of_others == 0.0 and found.verdict is True


@pytest.mark.parametrize(
    ("make", "decided"),
    [(jittery, 0.8), (ever_busier, 0.95), (in_bursts, 0.3), (heavy_tailed, 0.0)],
)
@pytest.mark.parametrize("speedup", [0.56, 0.9, 1.5, 2.5])
def test_a_busy_machine_does_not_choose_wrongly(make, decided, speedup):
    """It may abstain. The interval of the median errs in 1.2% of independent pairs."""
    verdicts = [compare(make(seed), speedup).verdict for seed in range(NUM_TRIALS)]
    assert verdicts.count(speedup < 1) <= 0.03 * NUM_TRIALS
    assert verdicts.count(speedup > 1) >= decided * NUM_TRIALS


@pytest.mark.parametrize(("speedup", "verdict"), [(1.05, False), (1.15, True)])
def test_the_speedup_must_be_worth_it(speedup, verdict):
    assert compare(fake_machine.FakeMachine(), speedup).verdict is verdict


@pytest.mark.parametrize("speedup", [0.5, 2.0])
def test_a_machine_of_many_other_processes_abstains(speedup):
    """Their load can favor one implementation all the time."""
    found = compare(fake_machine.FakeMachine(share_of_others=0.4), speedup)
    assert found.share_of_others == pytest.approx(0.4)
    assert found.verdict is None


def test_an_interval_around_the_smallest_speedup_abstains():
    assert speed_comparison.SpeedComparison(1.3, 1.0, 1.6, 0.0).verdict is None
