"""Scripted demonstrators solve their tasks."""

import numpy as np
import pytest

from environments.block_pushing import (
    BlockPushingEnvironment,
    Discontinuous,
    DiscontinuousDemonstrator,
    Insert,
    InsertDemonstrator,
    Multimodal,
    MultimodalDemonstrator,
    Reach,
    ReachDemonstrator,
    SingleTarget,
    SingleTargetDemonstrator,
)

PAIRS = {
    "single": (SingleTarget, SingleTargetDemonstrator),
    "reach": (Reach, ReachDemonstrator),
    "discontinuous": (Discontinuous, DiscontinuousDemonstrator),
    "multimodal": (Multimodal, MultimodalDemonstrator),
    "insert": (Insert, InsertDemonstrator),
}


def run(environment, demonstrator, seed):
    """Runs an episode and returns its actions."""
    environment.seed(seed)
    step, state, actions = environment.reset(), demonstrator.get_initial_state(), []
    while not step.is_last():
        decided = demonstrator.action(step, state)
        state = decided.state
        actions.append(decided.action)
        step = environment.step(decided.action)
    return np.array(actions)


def successes(task, make_demonstrator, seeds):
    environment = BlockPushingEnvironment(task())
    demonstrator = make_demonstrator(environment)
    found = []
    for seed in seeds:
        run(environment, demonstrator, seed)
        found.append(environment.success)
    environment.close()
    return np.mean(found)


@pytest.mark.parametrize("name", PAIRS)
def test_a_few_episodes_succeed(name):
    assert successes(*PAIRS[name], range(1000, 1004)) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("single", 0.99),
        ("reach", 1.0),
        ("discontinuous", 0.98),
        ("multimodal", 0.98),
        ("insert", 0.9),
    ],
)
def test_most_of_300_episodes_succeed(name, least):
    assert successes(*PAIRS[name], range(1000, 1300)) >= least


def test_noise_changes_the_actions_and_is_reproducible():
    environment = BlockPushingEnvironment()
    exact, noisy = (SingleTargetDemonstrator(environment, noise) for noise in (0.0, 0.002))
    plain, first, again = (run(environment, each, 4) for each in (exact, noisy, noisy))
    np.testing.assert_array_equal(first, again)
    # The state is equal only at the first step.
    assert 0 < np.abs(first[0] - plain[0]).max() < 0.01
    assert len(np.unique(first[:, 0])) == len(first)


def test_noise_differs_between_episodes():
    environment = BlockPushingEnvironment(Reach())
    exact, noisy = (ReachDemonstrator(environment, noise) for noise in (0.0, 0.002))
    noise = [run(environment, noisy, seed)[0] - run(environment, exact, seed)[0] for seed in (0, 1)]
    assert np.all(noise[0] != noise[1])


def test_negative_noise_is_rejected():
    with pytest.raises(ValueError, match="SingleTargetDemonstrator.action_noise must be"):
        SingleTargetDemonstrator(BlockPushingEnvironment(), -0.1)


def test_multimodal_demonstrations_have_four_modes():
    """Episodes differ in the first block and in its zone."""
    environment = BlockPushingEnvironment(Multimodal())
    demonstrator = MultimodalDemonstrator(environment)
    modes = set()
    for seed in range(40):
        environment.seed(seed)
        memory = demonstrator.action(environment.reset(), ()).state
        modes.add((bool(memory["swap_blocks"]), bool(memory["swap_zones"])))
    assert len(modes) == 4
