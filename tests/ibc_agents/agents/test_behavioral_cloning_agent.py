"""Properties of all agents: windows, weights, the guarded update, checkpoints, replicas."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.policies import policy_saver
from tf_agents.train import learner

from ibc_agents.agents.training import experience as experience_lib
from tests.ibc_agents import helpers

AGENTS = pytest.mark.parametrize(
    "make",
    [
        helpers.make_agent,
        helpers.make_autoregressive_agent,
        helpers.make_mse_agent,
        helpers.make_mdn_agent,
        helpers.make_diffusion_agent,
    ],
    ids=["implicit", "autoregressive", "mse", "mdn", "diffusion"],
)
ROOT = pathlib.Path(__file__).parents[3]


def with_last_rows(experience, rows, action=None):
    """Ends the windows of `rows` in LAST, with a different action there."""
    step_type, actions = experience.step_type.numpy(), experience.action.numpy()
    step_type[rows, -1] = helpers.LAST
    if action is not None:
        actions[rows, -1] = action
    return experience._replace(step_type=tf.constant(step_type), action=tf.constant(actions))


def gradients_of(agent, experience, weights=None):
    with tf.GradientTape() as tape:
        loss = agent.loss(experience, weights, training=True).loss
    return loss, [g.numpy() for g in tape.gradient(loss, agent._variables())]


def state_of(agent):
    """Returns weights, optimizer state and normalizer by their keys in a checkpoint."""
    return [v.numpy() for v in [*agent._variables(), *agent._update.optimizer.variables]]


def assert_equal(one, other, **kwargs):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0, **kwargs})


@AGENTS
def test_contract_agent_is_a_tf_agent(make):
    agent = make(window=3)
    assert isinstance(agent, tf_agent.TFAgent)
    assert agent.train_sequence_length == 3
    info = agent.train(helpers.make_experience(4, 3))
    assert isinstance(info, tf_agent.LossInfo)
    example_losses = info.extra.pop("example_losses")
    assert info.loss.shape == () and all(value.shape == () for value in info.extra.values())
    assert example_losses.shape == (4,)
    np.testing.assert_allclose(info.loss, tf.reduce_mean(example_losses), rtol=1e-5)
    assert agent.train_step_counter.numpy() == 1


@AGENTS
def test_contract_agent_drops_into_the_learner_and_its_policy_into_policy_saver(make, tmp_path):
    """The SavedModel equals the live policy for any batch size."""
    agent = make()
    experience = helpers.make_experience(8, 2)
    trainer = learner.Learner(
        str(tmp_path),
        agent.train_step_counter,
        agent,
        lambda: tf.data.Dataset.from_tensors((experience, ())).repeat(),
        checkpoint_interval=2,
        summary_interval=0,
    )
    before = agent.loss(experience).loss
    assert np.isfinite(trainer.run(iterations=4).loss)
    assert agent.train_step_counter.numpy() == 4 and agent.skipped_steps.numpy() == 0
    assert agent.loss(experience).loss != before
    assert tf.train.latest_checkpoint(str(tmp_path / "train" / "checkpoints")) is not None

    policy_saver.PolicySaver(agent.policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    for batch_size in (0, 1, 5):
        live_state = saved_state = agent.policy.get_initial_state(batch_size)
        for k, kind in enumerate([helpers.FIRST, helpers.MID, helpers.FIRST]):
            time_step = helpers.make_time_step(batch_size, kind, seed=k)
            live = agent.policy.action(time_step, live_state)
            loaded = saved.action(time_step, saved_state)
            np.testing.assert_allclose(loaded.action, live.action, atol=1e-6)
            tf.nest.map_structure(np.testing.assert_array_equal, loaded.state, live.state)
            live_state, saved_state = live.state, loaded.state


def test_a_policy_with_memory_is_exported_by_the_names_of_its_specs(tmp_path):
    """PolicySaver gives past and present observations their own names."""
    agent = helpers.make_mse_agent(window=3)
    saver = policy_saver.PolicySaver(agent.policy, batch_size=2, use_nest_path_signatures=False)
    saver.save(str(tmp_path))
    signature = tf.saved_model.load(str(tmp_path)).signatures["action"]
    assert {"goal", "past_goal", "position", "past_position", "seed"} <= set(
        signature.structured_input_signature[1]
    )


@AGENTS
def test_equal_seeds_give_equal_training_bit_for_bit(make):
    def train(seed):
        agent = make(seed=seed)
        for k in range(3):
            agent.train(helpers.make_experience(32, 2, seed=k))
        return state_of(agent)

    assert_equal(train(0), train(0))
    assert any((a != b).any() for a, b in zip(train(0), train(1), strict=True))


@AGENTS
def test_a_restored_agent_continues_bit_for_bit(make, tmp_path):
    experience = [helpers.make_experience(32, 2, seed=k) for k in range(4)]
    whole, first, second = make(), make(), make()
    for batch in experience:
        whole.train(batch)
    for batch in experience[:2]:
        first.train(batch)
    saved = tf.train.Checkpoint(agent=first, step=first.train_step_counter).save(tmp_path / "ckpt")
    for variable in second._variables():
        variable.assign(variable + 1.0)
    checkpoint = tf.train.Checkpoint(agent=second, step=second.train_step_counter)
    checkpoint.restore(saved).assert_consumed()
    for batch in experience[2:]:
        second.train(batch)
    assert_equal(state_of(whole), state_of(second))


@AGENTS
def test_validation_reports_loss_and_gradient_norm_without_training(make):
    agent, experience = make(), helpers.make_experience(8, 2)
    before = state_of(agent)
    info = agent.validate(experience)
    assert_equal(before, state_of(agent))
    assert agent.train_step_counter.numpy() == 0
    loss, gradients = gradients_of(agent, experience)
    np.testing.assert_allclose(info.loss, loss, rtol=1e-5)
    norm = np.sqrt(sum(np.square(gradient).sum() for gradient in gradients))
    np.testing.assert_allclose(info.extra["gradient_norm"], norm, rtol=1e-4)


@AGENTS
def test_contract_agent_checks_its_experience(make):
    experience = helpers.make_experience(4, 2)
    with pytest.raises(ValueError, match=r"action should be float32 \(None, 2, 2\)"):
        make().train(experience._replace(action=experience.action[..., :1]))


@AGENTS
def test_contract_windows_that_end_in_last_do_not_change_the_gradient(make):
    """The action at LAST has no effect; the mean is over the other windows."""
    agent, experience = make(), helpers.make_experience(8, 2)
    calm = gradients_of(agent, with_last_rows(experience, [1, 5]))
    for wild in (1e6, -1e30, np.inf, np.nan):
        loss, gradients = gradients_of(agent, with_last_rows(experience, [1, 5], wild))
        np.testing.assert_allclose(loss, calm[0])
        assert_equal(gradients, calm[1])
    assert any(np.abs(gradient).max() > 0 for gradient in calm[1])


def test_contract_windows_that_end_in_last_leave_the_mean_of_the_others():
    agent, experience = helpers.make_mse_agent(), helpers.make_experience(8, 2)
    others = tf.nest.map_structure(lambda leaf: leaf[2:], experience)
    loss, gradients = gradients_of(agent, with_last_rows(experience, [0, 1], 1e6))
    expected = gradients_of(agent, others)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-5)
    assert_equal(gradients, expected[1], rtol=1e-4, atol=1e-6)


@AGENTS
def test_a_batch_of_only_last_windows_has_zero_loss_and_gradient(make):
    agent, experience = make(), with_last_rows(helpers.make_experience(4, 2), [0, 1, 2, 3])
    loss, gradients = gradients_of(agent, experience)
    assert loss == 0
    assert_equal(gradients, [np.zeros_like(gradient) for gradient in gradients])


@AGENTS
def test_contract_windows_that_cross_episodes_are_repaired(make):
    """Frames before the newest FIRST have no effect."""
    agent = make(window=3)
    experience = helpers.make_experience(4, 3)
    step_type = experience.step_type.numpy()
    step_type[:2, 0], step_type[:2, 1] = helpers.LAST, helpers.FIRST
    experience = experience._replace(step_type=tf.constant(step_type))
    changed = tf.nest.map_structure(lambda leaf: leaf.numpy(), experience.observation)
    for leaf in changed.values():
        leaf[:2, 0] = 123.0
    changed = experience._replace(observation=tf.nest.map_structure(tf.constant, changed))
    loss = agent.loss(experience).loss
    np.testing.assert_array_equal(agent.loss(changed).loss, loss)
    unbroken = changed._replace(step_type=tf.fill([4, 3], helpers.MID))
    assert agent.loss(unbroken).loss != loss


def test_weights_multiply_the_losses():
    """As in TF-Agents: the mean of weight times loss; a scalar weights all examples equally."""
    agent, experience = helpers.make_mse_agent(), helpers.make_experience(4, 2)
    rows = [tf.nest.map_structure(lambda leaf, k=k: leaf[k : k + 1], experience) for k in range(4)]
    losses = np.array([agent.loss(row).loss for row in rows])
    weights = np.array([0.0, 0.5, 1.0, 2.0])
    weighted = agent.loss(experience, tf.constant(weights)).loss
    np.testing.assert_allclose(weighted, (weights * losses).mean(), rtol=1e-5)
    scalar = agent.loss(experience, tf.constant(3.0)).loss
    np.testing.assert_allclose(scalar, 3 * losses.mean(), rtol=1e-5)
    alone = agent.loss(with_last_rows(experience, [3]), tf.constant(weights)).loss
    np.testing.assert_allclose(alone, (weights * losses)[:3].mean(), rtol=1e-5)


@AGENTS
@pytest.mark.parametrize(
    ("bad", "compiled"), [(np.nan, True), (np.inf, False)], ids=["nan_compiled", "inf_eager"]
)
def test_a_step_with_nonfinite_gradients_is_skipped_and_counted(make, bad, compiled):
    agent = make()
    train = helpers.compiled(agent.train) if compiled else agent.train
    good = helpers.make_experience(4, 2)
    goal = good.observation["goal"].numpy()
    goal[2, 1, 0] = bad
    broken = good._replace(observation={**good.observation, "goal": tf.constant(goal)})
    train(good)
    before = state_of(agent)
    train(broken)
    train(broken)
    assert_equal(state_of(agent), before)
    assert (agent.skipped_steps.numpy(), agent.skipped_steps_in_a_row.numpy()) == (2, 2)
    assert agent.train_step_counter.numpy() == 3
    train(good)
    assert (agent.skipped_steps.numpy(), agent.skipped_steps_in_a_row.numpy()) == (2, 0)
    assert any((a != b).any() for a, b in zip(state_of(agent), before, strict=True))


@AGENTS
def test_checkpoint_restores_everything(make, tmp_path):
    """A restored agent with different initial weights continues the training exactly."""
    experiences = [helpers.make_experience(8, 2, seed=k) for k in range(4)]
    agent = make()
    for experience in experiences[:2]:
        agent.train(experience)
    agent._update.skipped.assign(5)
    path = tf.train.Checkpoint(agent=agent).save(str(tmp_path / "checkpoint"))

    other = make()
    other.train(helpers.make_experience(8, 2, seed=77))
    for variable in other.normalizer.variables:
        variable.assign(variable + 1.0)
    status = tf.train.Checkpoint(agent=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    assert_equal(state_of(other), state_of(agent))
    assert_equal(other.normalizer.variables, agent.normalizer.variables)
    assert other.skipped_steps.numpy() == 5 and other.train_step_counter.numpy() == 2
    # Weights, two moments for each, and the iteration count of Adam.
    assert len(state_of(other)) == 3 * len(other._variables()) + 1
    for experience in experiences[2:]:
        agent.train(experience)
        other.train(experience)
    assert_equal(state_of(other), state_of(agent))


def test_a_checkpoint_of_step_zero_has_the_optimizers_state(tmp_path):
    path = tf.train.Checkpoint(agent=helpers.make_mse_agent()).save(str(tmp_path / "checkpoint"))
    agent = helpers.make_mse_agent()
    agent.train(helpers.make_experience(8, 2))
    tf.train.Checkpoint(agent=agent).restore(path).assert_existing_objects_matched()
    assert all((v.numpy() == 0).all() for v in agent._update.optimizer.variables if v.shape.rank)


def test_mse_loss_and_training():
    agent = helpers.make_mse_agent()
    experience = helpers.make_experience(64, 2)
    window, _ = experience_lib.repair_window(experience)
    predicted, _ = agent._regression_network(agent.normalizer.normalize_observation(window))
    wanted = agent.normalizer.scale_action(experience.action[:, -1])
    first = agent.loss(experience).loss
    np.testing.assert_allclose(first, np.square(predicted - wanted).mean(), rtol=1e-5)
    train = helpers.compiled(agent.train)
    for _ in range(150):
        train(experience)
    assert agent.loss(experience).loss < 0.05 * first
    time_step = helpers.make_time_step(32, seed=5)
    action = agent.policy.action(time_step, agent.policy.get_initial_state(32)).action
    wanted = helpers.demonstrate(helpers.numpy(time_step.observation))
    assert np.abs(action - wanted).mean() < 0.1


@pytest.fixture(scope="module")
def replicas():
    """Output of two_replicas.py, a separate process because it needs two logical devices."""
    script = pathlib.Path(__file__).parent / "two_replicas.py"
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_replicas_equal_one_on_the_joint_batch(replicas):
    """All windows that end in LAST are on one replica."""
    assert_equal(replicas["replicas"], replicas["single"], rtol=0, atol=1e-5)
    assert np.abs(np.subtract(replicas["single"], replicas["start"])).max() > 0.01
    np.testing.assert_allclose(replicas["replicas_loss"], replicas["single_loss"], rtol=1e-5)


def test_replicas_draw_different_counter_examples(replicas):
    first, second = replicas["counter_example_energies"]
    assert first != second


def test_all_replicas_skip_a_step_if_one_is_not_finite(replicas):
    """Only one replica has a value that is not finite."""
    assert_equal(replicas["after_skip"], replicas["before_skip"])
    assert replicas["skipped"] == [[1, 1], [1, 1]]
    assert replicas["after_recovery"] != replicas["before_skip"]
    assert replicas["recovered"] == [[1, 1], [0, 0]]


def test_all_replicas_undo_an_update_that_is_not_finite(replicas):
    assert_equal(replicas["after_undo"], replicas["after_recovery"])
    assert replicas["undone"] == [[2, 2], [1, 1]]
