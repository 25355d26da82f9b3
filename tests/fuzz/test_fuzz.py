"""Damaged inputs end in a result or in a sentence: never in a traceback, a crash or a hang."""

import pytest

from tests.fuzz import runner
from tests.fuzz import target as target_lib

TARGETS = target_lib.all_targets()
SHARE = 50  # One mutant of 50 is read in the fast tests.


def check(name: str, number: int) -> None:
    results = runner.run(TARGETS[name], 0, number)
    faults = [str(outcome) for outcome in results if outcome.is_fault]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutant_of_a_share_is_a_fault(name):
    check(name, max(1, TARGETS[name].mutants // SHARE))


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_no_mutant_is_a_fault(name):
    check(name, TARGETS[name].mutants)


def test_the_complete_run_has_twenty_thousand_mutants():
    assert sum(target.mutants for target in TARGETS.values()) >= 20_000
