"""Every episode is assigned, while evaluators join and leave."""

import hypothesis
from hypothesis import strategies as st

from ibc_agents.distributed.evaluation import episode_scheduler
from ibc_agents.rollouts import evaluation
from tests.ibc_agents import helpers

SEED = 7


def outcome(episode):
    return evaluation.Outcome(episode, episode % 3 == 0, float(episode), 5)


def outcomes(chunk):
    return [outcome(episode) for episode in chunk]


def test_each_evaluator_keeps_a_chunk_of_its_own():
    scheduler = episode_scheduler.EpisodeScheduler(SEED, num_episodes=10, chunk_size=4)
    assigned = scheduler.assign(["b", "a"])
    assert assigned == {"a": range(0, 4), "b": range(4, 8)}
    assert scheduler.assign(["a", "b"]) == assigned
    assert scheduler.assign(["a", "b", "c", "d"]) == {**assigned, "c": range(8, 10)}


def test_an_evaluator_gets_the_next_chunk_after_its_report():
    scheduler = episode_scheduler.EpisodeScheduler(SEED, num_episodes=10, chunk_size=4)
    scheduler.assign(["a", "b"])
    scheduler.record("a", outcomes(range(4)))
    assert scheduler.assign(["a", "b"]) == {"a": range(8, 10), "b": range(4, 8)}
    assert scheduler.result is None


def test_the_chunk_of_an_absent_evaluator_is_reassigned():
    scheduler = episode_scheduler.EpisodeScheduler(SEED, num_episodes=8, chunk_size=4)
    scheduler.assign(["a", "b"])
    scheduler.record("b", outcomes(range(4, 8)))
    assert scheduler.assign(["b"]) == {"b": range(0, 4)}


def test_contract_distributed_job_ignores_late_and_repeated_reports():
    scheduler = episode_scheduler.EpisodeScheduler(SEED, num_episodes=4, chunk_size=2)
    scheduler.assign(["a"])
    assert scheduler.assign(["b"]) == {"b": range(0, 2)}
    for _ in range(2):
        scheduler.record("b", outcomes(range(0, 2)))
        scheduler.record("a", outcomes(range(0, 2)))
    scheduler.record("b", outcomes(range(2, 4)))
    assert scheduler.result == evaluation.Evaluation(SEED, tuple(outcomes(range(4))))
    assert scheduler.contributors == {"b"}
    assert scheduler.assign(["b"]) == {}


@helpers.properties
@hypothesis.given(
    num_episodes=st.integers(1, 30),
    chunk_size=st.integers(1, 8),
    presence=st.lists(st.sets(st.sampled_from("abcd"), min_size=1), max_size=30),
)
def test_every_episode_runs_once_while_its_evaluator_is_present(num_episodes, chunk_size, presence):
    """An evaluator that is present in two consecutive rounds has run its chunk."""
    scheduler = episode_scheduler.EpisodeScheduler(SEED, num_episodes, chunk_size)
    running = {}
    for present in [*presence, *[{"e"}] * num_episodes]:
        for name in present & running.keys():
            scheduler.record(name, outcomes(running[name]))
        running = scheduler.assign(present)
        assigned = [episode for episodes in running.values() for episode in episodes]
        assert len(assigned) == len(set(assigned))
        assert running.keys() <= present
    scheduler.record("e", outcomes(running.get("e", range(0))))
    assert scheduler.result == evaluation.Evaluation(SEED, tuple(outcomes(range(num_episodes))))
