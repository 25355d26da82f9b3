"""Datasets of every shape, from shards to trained agents.

Many small shards, long episodes, episodes of one step or one frame, windows longer than all.
"""

import collections
import itertools
import json

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

import data
from data.sources import reverb_source
from environments import particle
from ibc_agents import agents, networks
from ibc_agents.core import normalizer
from ibc_agents.rollouts import collection
from tests.system import helpers

IMAGE = (6, 5, 3)
LONG = 20_000
# Lengths of the episodes in frames, whether they end in LAST, and the number of shards. An episode
# of one frame can only be one that was cut off after its first action.
SHAPES = {
    "many_small_shards": ([3, 2, 4] * 27, True, 80),
    "one_long_episode": ([LONG], True, 1),
    "single_steps": ([2] * 150, True, 3),
    "single_frames": ([1] * 60, False, 2),
    "one_single_step": ([2], True, 1),
    "mixed": ([1, 2, 2000, 1, 3, 2, 5, 40] * 3, True, 7),
}


def make_spec(with_images=False):
    observation = {"place": tf.TensorSpec([2], tf.float32), "value": tf.TensorSpec([3], tf.float32)}
    if with_images:
        observation["rgb"] = tf.TensorSpec(IMAGE, tf.uint8)
    return trajectory.Trajectory(
        step_type=tf.TensorSpec([], tf.int32),
        observation=observation,
        action=tf.TensorSpec([2], tf.float32),
        policy_info=(),
        next_step_type=tf.TensorSpec([], tf.int32),
        reward=tf.TensorSpec([], tf.float32),
        discount=tf.TensorSpec([], tf.float32),
    )


def make_episode(number, length, ends, with_images=False):
    """Every frame contains the number of its episode and its own number in it."""
    rng = np.random.default_rng([number, length])
    step_type = np.full(length, ts.StepType.MID, np.int32)
    step_type[0] = ts.StepType.FIRST
    if ends and length > 1:
        step_type[-1] = ts.StepType.LAST
    observation = {
        "place": np.stack([np.full(length, number), np.arange(length)], -1).astype(np.float32),
        "value": rng.normal(size=[length, 3]).astype(np.float32),
    }
    if with_images:
        observation["rgb"] = rng.integers(0, 256, [length, *IMAGE]).astype(np.uint8)
    return data.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation=observation,
            action=rng.uniform(-1, 1, [length, 2]).astype(np.float32),
            policy_info=(),
            next_step_type=np.append(step_type[1:], ts.StepType.FIRST).astype(np.int32),
            reward=np.zeros(length, np.float32),
            discount=np.ones(length, np.float32),
        )
    )


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Writes a dataset once and opens it without validation episodes."""
    known = {}

    def get(shape, with_images=False):
        if (shape, with_images) not in known:
            lengths, ends, shards = SHAPES[shape]
            folder = tmp_path_factory.mktemp("datasets") / shape
            spec = make_spec(with_images)
            with data.EpisodeWriter(folder, spec, num_shards=shards) as writer:
                for number, length in enumerate(lengths):
                    writer.write(make_episode(number, length, ends, with_images))
            assert len(list(folder.glob("*.tfrecord"))) == shards
            known[shape, with_images] = data.Demonstrations.open(folder, validation_fraction=0.0)
        return known[shape, with_images]

    return get


def expected_windows(shape, window):
    """Returns the frame numbers of every window by those of its last frame, by plain loops."""
    lengths, ends, _ = SHAPES[shape]
    found = {}
    for number, length in enumerate(lengths):
        for end in range(length - 1 if ends and length > 1 else length):
            frames = [max(0, end - back) for back in reversed(range(window))]
            found[number, end] = tuple((number, frame) for frame in frames)
    return found


def places(batch):
    """Returns the windows of a batch [B, T, …] in the form of `expected_windows`."""
    return [
        tuple((int(episode), int(frame)) for episode, frame in row)
        for row in np.asarray(batch.observation["place"])
    ]


def batches_of(source, window, batch_size, count):
    dataset = source.dataset(window, batch_size, seed=3)
    return [experience for experience, _ in itertools.islice(dataset, count)]


every_shape = pytest.mark.parametrize("shape", SHAPES)
windows = pytest.mark.parametrize("window", [1, 5])


@every_shape
def test_statistics_are_those_of_all_frames(opened, shape):
    demonstrations = opened(shape)
    lengths, ends, _ = SHAPES[shape]
    made = [make_episode(number, length, ends) for number, length in enumerate(lengths)]
    assert demonstrations.num_frames == sum(lengths)
    found = data.compute_statistics(demonstrations.train, demonstrations.spec)
    values = np.concatenate([episode.frames.observation["value"] for episode in made])
    actions = np.concatenate([episode.frames.action[episode.executed] for episode in made])
    np.testing.assert_allclose(found.observation["value"].mean, values.mean(0, np.float64))
    np.testing.assert_array_equal(found.action.maximum, actions.max(0))
    assert found.action.count == len(actions) == demonstrations.train.num_windows


@every_shape
@windows
def test_contract_windows_each_executed_frame_ends_one_window_an_epoch_in_memory(
    opened, shape, window
):
    expected = expected_windows(shape, window)
    source = data.InMemorySource()
    source.load(opened(shape).train, opened(shape).spec)
    assert source.num_windows == len(expected)
    batch_size = 64
    epochs = 1 + batch_size // len(expected)  # at least one batch
    count = -(-epochs * len(expected) // batch_size)
    seen = [w for batch in batches_of(source, window, batch_size, count) for w in places(batch)]
    for epoch in range(epochs):
        part = seen[epoch * len(expected) : (epoch + 1) * len(expected)]
        assert sorted(part) == sorted(expected.values())


@every_shape
@windows
def test_contract_windows_each_executed_frame_ends_one_window_an_episode_from_reverb(
    opened, shape, window
):
    """Reverb samples whole episodes; a shuffled block may split one."""
    expected = expected_windows(shape, window)
    batch_size, per_block = 50, 4
    source = reverb_source.ReverbSource(shuffle_windows=batch_size * per_block)
    source.load(opened(shape).train, opened(shape).spec)
    count = min(-(-8 * len(expected) // batch_size // per_block) * per_block, 1200)
    taken = batches_of(source, window, batch_size, count)
    source.close()
    counts = collections.Counter(w for batch in taken for w in places(batch))
    assert set(counts) <= set(expected.values())
    of_episode = collections.defaultdict(list)
    for (episode, _), places_in_window in expected.items():
        of_episode[episode].append(counts[places_in_window])
    uneven = [times for times in of_episode.values() if min(times) != max(times)]
    assert len(uneven) <= 1  # the one that the last block splits
    assert all(max(times) - min(times) == 1 for times in uneven)
    # A window drawn 8 times on average is missing with probability 1/3000.
    drawn = [times for times in of_episode.values() if max(times)]
    assert len(drawn) >= 0.9 * len(of_episode)


@pytest.mark.parametrize("shape", ["single_steps", "single_frames", "one_single_step"])
@windows
def test_windows_of_images_from_reverb(opened, shape, window):
    """With images an item is a window, and all windows are equally likely."""
    demonstrations, expected = opened(shape, True), expected_windows(shape, window)
    made = {
        number: episode.frames.observation["rgb"]
        for number, episode in enumerate(sorted(demonstrations.train, key=place_of))
    }
    source = reverb_source.ReverbSource()
    source.load(demonstrations.train, demonstrations.spec)
    taken = batches_of(source, window, 50, -(-8 * len(expected) // 50))
    source.close()
    seen = {w for batch in taken for w in places(batch)}
    assert seen <= set(expected.values()) and len(seen) >= 0.98 * len(expected)
    for window_places, frames in zip(places(taken[0]), taken[0].observation["rgb"].numpy()):
        for (number, frame), image in zip(window_places, frames):
            np.testing.assert_array_equal(image, made[number][frame])


def place_of(episode):
    return episode.frames.observation["place"][0, 0]


def make_agents(demonstrations, window):
    time_step_spec = ts.time_step_spec(demonstrations.spec.observation)
    arguments = {
        "time_step_spec": time_step_spec,
        "action_spec": demonstrations.spec.action,
        "normalizer": normalizer.Normalizer.from_dataset(
            demonstrations.train, time_step_spec.observation, demonstrations.spec.action
        ),
        "window": window,
    }
    return {
        "implicit": agents.ImplicitBCAgent(
            **arguments,
            energy_network=networks.MlpEnergyNetwork(width=8, depth=2),
            optimizer=tf.keras.optimizers.Adam(),
            counter_examples=agents.CounterExamples(number=4),
        ),
        "mse": agents.MseAgent(
            **arguments,
            encoder=networks.MlpEncoder(width=8, depth=2),
            optimizer=tf.keras.optimizers.Adam(),
        ),
        "nearest_neighbor": agents.NearestNeighborAgent(**arguments),
    }


@every_shape
@windows
def test_agents_learn_from_it(opened, shape, window):
    demonstrations = opened(shape)
    sources = [data.InMemorySource(), reverb_source.ReverbSource(shuffle_windows=100)]
    for source in sources:
        source.load(demonstrations.train, demonstrations.spec)
    batches = [batches_of(source, window, 32, 1)[0] for source in sources]
    for source in sources:
        source.close()
    for name, agent in make_agents(demonstrations, window).items():
        agent.memorize(data.windows_in_order(demonstrations.train, window, 100))
        losses = [float(agent.train(batch).loss) for batch in batches]
        assert np.all(np.isfinite(losses)) and agent.skipped_steps.numpy() == 0, name
        assert (name == "nearest_neighbor") == (losses == [0.0, 0.0])


@every_shape
@windows
def test_nearest_neighbor_replays_it(opened, shape, window):
    """Every episode is replayed frame by frame from its start."""
    demonstrations = opened(shape)
    agent = make_agents(demonstrations, window)["nearest_neighbor"]
    agent.memorize(data.windows_in_order(demonstrations.train, window, 100))
    played = [episode.frames for episode in demonstrations.train]
    # Compiled as by the Learner, without autograph.
    act = tf.function(agent.policy.action, autograph=False)
    state = agent.policy.get_initial_state(len(played))
    for frame in range(min(7, max(len(frames.step_type) for frames in played))):
        # Rows of finished episodes repeat their last executed frame and are ignored.
        rows = [min(frame, len(frames.step_type) - 1) for frames in played]
        time_step = ts.TimeStep(
            step_type=tf.constant([f.step_type[row] for f, row in zip(played, rows)]),
            reward=tf.zeros(len(played)),
            discount=tf.ones(len(played)),
            observation={
                key: tf.constant(np.stack([f.observation[key][r] for f, r in zip(played, rows)]))
                for key in played[0].observation
            },
        )
        step = act(time_step, state)
        state = step.state
        for row, (frames, action) in enumerate(zip(played, step.action.numpy())):
            over = frame >= len(frames.step_type) or frames.step_type[frame] == ts.StepType.LAST
            if not over:
                np.testing.assert_allclose(
                    action, frames.action[frame], atol=1e-5, err_msg=f"episode {row}"
                )


def test_a_run_on_demonstrations_in_pieces(tmp_path):
    """The demonstrations of the particle are split into episodes of one step in 20 shards."""
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    collection.collect(
        whole, particle.ParticleEnvironment, particle.ParticleDemonstrator, 4, seed=0
    )
    whole_demonstrations = data.Demonstrations.open(whole, 0.0)
    steps = [
        data.Episode(
            tf.nest.map_structure(lambda leaf: leaf[row : row + 2].copy(), episode.frames)  # noqa: B023
        )
        for episode in whole_demonstrations.train
        for row in range(episode.num_frames - 1)
    ]
    with data.EpisodeWriter(pieces, whole_demonstrations.spec, num_shards=20) as writer:
        for step in steps:
            step.frames.step_type[:] = ts.StepType.FIRST, ts.StepType.LAST
            step.frames.next_step_type[:] = ts.StepType.LAST, ts.StepType.FIRST
            writer.write(step)
    arguments = helpers.small_run(
        tmp_path / "run",
        tmp_path / "data",
        1,
        f"DemonstrationSettings.dataset='{pieces}'",
        method="nearest_neighbor",
    )
    done = helpers.call("ibc_agents.train", *arguments)
    assert done.returncode == 0, done
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    split = results["dataset"]["train_episodes"], results["dataset"]["validation_episodes"]
    assert sum(split) == 200 and min(split) > 0
    assert [outcome["steps"] for outcome in results["episodes"]] == [50] * 4
