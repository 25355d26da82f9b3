"""Episodes are dealt so that each is run, whoever comes and goes."""

import hypothesis
from hypothesis import strategies as st

from ibc_agents.distributed.evaluation import sharing
from ibc_agents.rollouts import evaluation
from tests.ibc_agents import helpers

SEED = 7


def outcome(episode):
    return evaluation.Outcome(episode, episode % 3 == 0, float(episode), 5)


def outcomes(part):
    return [outcome(episode) for episode in part]


def test_each_evaluator_has_a_part_of_its_own_and_keeps_it():
    shared = sharing.SharedEvaluation(SEED, num_episodes=10, part=4)
    dealt = shared.deal(["b", "a"])
    assert dealt == {"a": range(0, 4), "b": range(4, 8)}
    assert shared.deal(["a", "b"]) == dealt
    assert shared.deal(["a", "b", "c", "d"]) == {**dealt, "c": range(8, 10)}


def test_who_is_done_gets_the_next_part():
    shared = sharing.SharedEvaluation(SEED, num_episodes=10, part=4)
    shared.deal(["a", "b"])
    shared.take("a", outcomes(range(4)))
    assert shared.deal(["a", "b"]) == {"a": range(8, 10), "b": range(4, 8)}
    assert shared.result is None


def test_the_part_of_one_that_has_gone_goes_to_another():
    shared = sharing.SharedEvaluation(SEED, num_episodes=8, part=4)
    shared.deal(["a", "b"])
    shared.take("b", outcomes(range(4, 8)))
    assert shared.deal(["b"]) == {"b": range(0, 4)}


def test_contract_distributed_job_late_and_repeated_reports_do_no_harm():
    shared = sharing.SharedEvaluation(SEED, num_episodes=4, part=2)
    shared.deal(["a"])
    assert shared.deal(["b"]) == {"b": range(0, 2)}
    for _ in range(2):
        shared.take("b", outcomes(range(0, 2)))
        shared.take("a", outcomes(range(0, 2)))
    shared.take("b", outcomes(range(2, 4)))
    assert shared.result == evaluation.Evaluation(SEED, tuple(outcomes(range(4))))
    assert shared.evaluators == {"b"}
    assert shared.deal(["b"]) == {}


@helpers.properties
@hypothesis.given(
    num_episodes=st.integers(1, 30),
    part=st.integers(1, 8),
    presence=st.lists(st.sets(st.sampled_from("abcd"), min_size=1), max_size=30),
)
def test_evaluators_that_come_and_go_run_every_episode_once_while_they_stay(
    num_episodes, part, presence
):
    """Whoever is present at one look and the next has run its part by then."""
    shared = sharing.SharedEvaluation(SEED, num_episodes, part)
    running = {}
    for present in [*presence, *[{"e"}] * num_episodes]:
        for name in present & running.keys():
            shared.take(name, outcomes(running[name]))
        running = shared.deal(present)
        dealt = [episode for episodes in running.values() for episode in episodes]
        assert len(dealt) == len(set(dealt))
        assert running.keys() <= present
    shared.take("e", outcomes(running.get("e", range(0))))
    assert shared.result == evaluation.Evaluation(SEED, tuple(outcomes(range(num_episodes))))
