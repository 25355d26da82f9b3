"""Seeds of episodes are the stated words of NumPy's seed sequences."""

import numpy as np

from ibc_agents.rollouts import rollout_seeds


def test_evaluation_and_collection_use_the_stated_words():
    words = np.random.SeedSequence([3, 11]).generate_state(3)
    evaluation, collection = (
        kind(3, 11) for kind in (rollout_seeds.for_evaluation, rollout_seeds.for_collection)
    )
    assert evaluation.actor.dtype == collection.actor.dtype == np.int32
    np.testing.assert_array_equal(evaluation.actor.view(np.uint32), words[:2])
    assert evaluation.environment == words[2]
    assert collection.environment == words[0]


def test_episodes_have_different_seeds():
    """Of every seed, evaluations and collections included."""
    kinds = rollout_seeds.for_evaluation, rollout_seeds.for_collection
    seeds = [kind(s, k) for kind in kinds for s in range(4) for k in range(25)]
    assert len({found.environment for found in seeds}) == 200
    assert len({found.actor.tobytes() for found in seeds}) == 200
    assert min(found.environment for found in seeds) >= 0


def test_drawn_seeds_repeat_with_their_generator():
    one, other = (
        [rollout_seeds.draw(generator) for _ in range(50)]
        for generator in (np.random.default_rng(1), np.random.default_rng(1))
    )
    for left, right in zip(one, other, strict=True):
        assert left.environment == right.environment
        np.testing.assert_array_equal(left.actor, right.actor)
    assert len({found.environment for found in one}) == 50
    assert one[0].actor.dtype == np.int32 and one[0].actor.shape == (2,)
