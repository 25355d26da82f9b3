"""The nearest-neighbor baseline: its memory, its actions and its SavedModel."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from scipy import spatial
from tf_agents.policies import policy_saver
from tf_agents.trajectories import time_step as ts

from data import episodes
from data.sources import batches
from ibc_agents import agents, networks
from ibc_agents.core import normalizer as normalizer_lib
from tests.ibc_agents import helpers


def make_agent(window=1, memorized=None, **kwargs):
    agent = agents.NearestNeighborAgent(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        helpers.make_normalizer(),
        window=window,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
        **kwargs,
    )
    if memorized is not None:
        agent.memorize(memorized)
    agent.initialize()
    return agent


def act(policy, observation, step_type=helpers.FIRST, state=None):
    """Returns raw actions for a nest of observations [B, …], and the next state."""
    batch_size = len(tf.nest.flatten(observation)[0])
    time_step = ts.TimeStep(
        tf.fill([batch_size], step_type), tf.zeros(batch_size), tf.ones(batch_size), observation
    )
    state = policy.get_initial_state(batch_size) if state is None else state
    step = policy.action(time_step, state)
    return tf.nest.map_structure(lambda leaf: leaf.numpy(), step.action), step.state


def at(experience, frame):
    return tf.nest.map_structure(lambda leaf: leaf[:, frame], experience.observation)


def with_last(experience, rows):
    step_type = experience.step_type.numpy()
    step_type[rows, -1] = helpers.LAST
    return experience._replace(step_type=tf.constant(step_type))


def make_episode(length, seed):
    """Returns an episode of the helpers' demonstrations from FIRST to LAST."""
    experience = helpers.numpy(helpers.make_experience(1, length, seed))
    frames = tf.nest.map_structure(lambda leaf: leaf[0], experience)
    frames.step_type[0], frames.step_type[-1] = helpers.FIRST, helpers.LAST
    return episodes.Episode(frames)


def test_takes_the_action_of_the_closest_observation():
    """Compares with SciPy's tree in normalized units."""
    memorized, others = helpers.make_experience(200, 1), helpers.make_experience(50, 1, seed=1)
    agent = make_agent(memorized=[memorized])
    action, _ = act(agent.policy, at(others, 0))
    codes = [
        np.concatenate(
            tf.nest.flatten(helpers.numpy(agent.normalizer.normalize_observation(at(e, 0)))), -1
        )
        for e in (memorized, others)
    ]
    _, closest = spatial.cKDTree(codes[0]).query(codes[1])
    np.testing.assert_allclose(action, memorized.action.numpy()[closest, 0], atol=1e-6)


def test_a_demonstrated_observation_gives_its_own_action():
    parts = [helpers.make_experience(n, 1, seed=n) for n in (30, 1, 20)]
    agent = make_agent(memorized=iter(parts))
    for part in parts:
        action, _ = act(agent.policy, at(part, 0))
        np.testing.assert_allclose(action, part.action[:, 0], atol=1e-6)


def test_contract_windows_that_end_in_last_are_not_memorized():
    experience = helpers.make_experience(20, 1)
    wild = experience.action.numpy()
    wild[5:8] = np.nan
    agent = make_agent(memorized=[with_last(experience, [5, 6, 7])._replace(action=wild)])
    assert {variable.shape[0] for variable in agent.policy._index.variables} == {17}
    action, _ = act(agent.policy, at(experience, 0))
    assert np.isfinite(action).all()
    known = np.delete(experience.action.numpy()[:, 0], [5, 6, 7], axis=0)
    for row in (5, 6, 7):
        assert np.abs(known - action[row]).max(-1).min() < 1e-6


def test_contract_windows_are_those_that_the_policy_remembers():
    """A demonstration is replayed frame by frame; agent and policy pad its start equally."""
    played = [make_episode(6, seed) for seed in range(4)]
    agent = make_agent(window=3, memorized=batches.windows_in_order(played, 3, 7))
    for episode in played:
        state = None
        for frame in range(5):
            observation = tf.nest.map_structure(
                lambda leaf, frame=frame: tf.constant(leaf[frame : frame + 1]),
                episode.frames.observation,
            )
            kind = helpers.MID if frame else helpers.FIRST
            action, state = act(agent.policy, observation, kind, state)
            np.testing.assert_allclose(action[0], episode.frames.action[frame], atol=1e-6)


def test_windows_of_two_frames_distinguish_equal_frames():
    """The action depends on the previous frame."""
    rng = np.random.default_rng(0)
    experience = helpers.make_experience(2, 2)
    same = {key: leaf.numpy() for key, leaf in experience.observation.items()}
    for leaf in same.values():
        leaf[:, 1] = rng.uniform(-1, 1, leaf.shape[-1])
    experience = experience._replace(
        observation=tf.nest.map_structure(tf.constant, same),
        action=tf.constant([[[0, 0], [-0.5, 1.2]], [[0, 0], [0.4, 1.7]]], tf.float32),
    )
    agent = make_agent(window=2, memorized=[experience])
    _, state = act(agent.policy, at(experience, 0))
    action, _ = act(agent.policy, at(experience, 1), helpers.MID, state)
    np.testing.assert_allclose(action, experience.action[:, 1], atol=1e-6)


def test_order_of_dimensions_has_no_effect():
    """Elements of the observations are permuted, also in the stored demonstrations."""

    def permuted(experience):
        return experience._replace(
            observation={k: leaf[..., ::-1] for k, leaf in experience.observation.items()}
        )

    memorized, others = helpers.make_experience(100, 1), helpers.make_experience(50, 1, seed=1)
    straight, turned = (
        agents.NearestNeighborAgent(
            helpers.TIME_STEP_SPEC,
            helpers.ACTION_SPEC,
            normalizer_lib.Normalizer.from_dataset(
                [change(memorized)], helpers.OBSERVATION_SPEC, helpers.ACTION_SPEC
            ),
            window=1,
        )
        for change in (lambda e: e, permuted)
    )
    straight.memorize([memorized])
    turned.memorize([permuted(memorized)])
    expected, _ = act(straight.policy, at(others, 0))
    actual, _ = act(turned.policy, at(permuted(others), 0))
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_loss_is_the_squared_error_of_the_neighbors_action():
    memorized, others = helpers.make_experience(100, 1), helpers.make_experience(30, 1, seed=1)
    agent = make_agent(memorized=[memorized])
    assert agent.loss(memorized).loss == 0
    action, _ = act(agent.policy, at(others, 0))
    error = agent.normalizer.scale_action(action) - agent.normalizer.scale_action(
        others.action[:, 0]
    )
    info = agent.validate(others)
    np.testing.assert_allclose(info.loss, np.square(error).mean(), rtol=1e-4)
    assert info.loss > 0.001 and info.extra["gradient_norm"] == 0
    ended = with_last(others, np.arange(10))
    np.testing.assert_allclose(agent.loss(ended).loss, np.square(error)[10:].mean(), rtol=1e-4)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_train_step_changes_only_the_step_counter(compiled):
    memorized, others = helpers.make_experience(100, 1), helpers.make_experience(30, 1, seed=1)
    agent = make_agent(memorized=[memorized])
    train = helpers.compiled(agent.train) if compiled else agent.train
    before = [v.numpy() for v in agent.policy.variables()]
    losses = [float(train(others).loss) for _ in range(3)]
    assert losses == [float(agent.loss(others).loss)] * 3
    assert agent.train_step_counter.numpy() == 3 and agent.skipped_steps.numpy() == 0
    for variable, value in zip(agent.policy.variables(), before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_nonfinite_losses_are_counted():
    agent = make_agent(memorized=[helpers.make_experience(9, 1)])
    experience = helpers.make_experience(4, 1)
    action = experience.action.numpy()
    action[1] = np.inf
    agent.train(experience._replace(action=tf.constant(action)))
    assert agent.skipped_steps.numpy() == 1


def test_acting_without_demonstrations_is_a_clear_error():
    agent = make_agent()
    experience = helpers.make_experience(4, 1)
    for use in (agent.loss, agent.train, lambda e: act(agent.policy, at(e, 0))):
        with pytest.raises(ValueError, match="give the demonstrations to NearestNeighborAgent.mem"):
            use(experience)
    with pytest.raises(ValueError, match="nothing to memorize: no window has an executed action"):
        agent.memorize([with_last(experience, [0, 1, 2, 3])])


def test_contract_agent_checks_what_it_memorizes():
    experience = helpers.make_experience(4, 2)
    with pytest.raises(ValueError, match=r"action should be float32 \(None, 2, 2\)"):
        make_agent(window=2, memorized=[experience._replace(action=experience.action[..., :1])])
    with pytest.raises(ValueError, match="T = 1"):
        make_agent(window=1, memorized=[experience])


def test_checkpoint_restores_what_was_memorized(tmp_path):
    agent = make_agent(memorized=[helpers.make_experience(50, 1)])
    agent.train(helpers.make_experience(4, 1))
    path = tf.train.Checkpoint(agent=agent).save(str(tmp_path / "checkpoint"))
    other = make_agent(memorized=[helpers.make_experience(50, 1, seed=7)])
    status = tf.train.Checkpoint(agent=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    observation = at(helpers.make_experience(20, 1, seed=2), 0)
    np.testing.assert_array_equal(
        act(other.policy, observation)[0], act(agent.policy, observation)[0]
    )
    assert other.train_step_counter.numpy() == 1
    fewer = make_agent(memorized=[helpers.make_experience(49, 1)])
    with pytest.raises(ValueError, match="shape"):
        tf.train.Checkpoint(agent=fewer).restore(path)


_ACT = """
import sys
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

policy = tf.saved_model.load(sys.argv[1])
given = np.load(sys.argv[2])
state = policy.get_initial_state(tf.constant(len(given["goal"])))
time_step = ts.restart({k: tf.constant(given[k]) for k in given}, len(given["goal"]))
np.save(sys.argv[3], policy.action(time_step, state).action)
known = [name for name in sys.modules if name.startswith(("ibc_agents", "tensorflow_recomm"))]
assert not known, known
"""


def test_saved_policy_needs_no_code_of_this_package(tmp_path):
    agent = make_agent(window=2, memorized=[helpers.make_experience(200, 2)])
    policy_saver.PolicySaver(agent.policy, batch_size=None).save(str(tmp_path / "policy"))
    observation = at(helpers.make_experience(30, 1, seed=1), 0)
    np.savez(tmp_path / "given.npz", **helpers.numpy(observation))
    done = subprocess.run(
        [sys.executable, "-c", _ACT, "policy", "given.npz", "action.npy"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    live, _ = act(agent.policy, observation)
    np.testing.assert_allclose(np.load(tmp_path / "action.npy"), live, rtol=0, atol=1e-6)


IMAGES = {
    "position": tf.TensorSpec([2], tf.float32),
    "rgb": tf.TensorSpec([24, 32, 3], tf.uint8),
}
NESTED = {"grip": tf.TensorSpec([], tf.float32), "move": tf.TensorSpec([2, 2], tf.float64)}


def test_images_and_nested_actions():
    """The position is constant, so that the action depends on the image only."""
    rng = np.random.default_rng(0)
    experience = helpers.make_experience(40, 2)._replace(
        observation={
            "position": tf.ones([40, 2, 2]),
            "rgb": tf.constant(rng.integers(0, 256, [40, 2, 24, 32, 3]), tf.uint8),
        },
        action={
            "grip": tf.constant(rng.uniform(-1, 1, [40, 2]), tf.float32),
            "move": tf.constant(rng.uniform(-1, 1, [40, 2, 2, 2])),
        },
    )
    agent = agents.NearestNeighborAgent(
        ts.time_step_spec(IMAGES),
        NESTED,
        normalizer_lib.Normalizer.from_dataset([experience], IMAGES, NESTED),
        encoder=networks.FlatEncoder(height=6, width=8),
        window=2,
    )
    agent.memorize([experience])
    _, state = act(agent.policy, at(experience, 0))
    noisy = at(experience, 1)
    noise = rng.integers(-8, 9, noisy["rgb"].shape)
    noisy["rgb"] = tf.constant(np.clip(noisy["rgb"].numpy() + noise, 0, 255), tf.uint8)
    action, _ = act(agent.policy, noisy, helpers.MID, state)
    for key in NESTED:
        np.testing.assert_allclose(action[key], experience.action[key][:, 1], atol=1e-6)


def test_gradient_based_agents_do_not_read_the_demonstrations():
    def unread_windows():
        raise AssertionError("read")
        yield

    helpers.make_mse_agent().memorize(unread_windows())
