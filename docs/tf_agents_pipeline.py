"""Implicit Behavioral Cloning in a plain TF-Agents program, as a template.

The program uses parts of TF-Agents, a task, and a normalizer, a network and an agent of
`ibc_agents`. Run it with ibc_agents installed, or with PYTHONPATH set to the checkout:

    python docs/tf_agents_pipeline.py
"""

import tempfile

import numpy as np
import tensorflow as tf
from tf_agents.policies import policy_saver, py_tf_eager_policy
from tf_agents.replay_buffers import tf_uniform_replay_buffer
from tf_agents.specs import tensor_spec
from tf_agents.train import actor, learner
from tf_agents.train.utils import spec_utils, train_utils
from tf_agents.utils import nest_utils

from environments import particle
from ibc_agents import agents, networks
from ibc_agents.core.normalizer import Normalizer


def main(demonstrations=200, steps=2000, evaluations=20, window=2, root_dir=None):
    """Collects demonstrations, trains, saves the policy; returns the success rate."""
    root_dir = root_dir or tempfile.mkdtemp()
    environment = particle.ParticleEnvironment(dimension=2)  # Any PyEnvironment.
    environment.seed(0)
    observation_spec, action_spec, time_step_spec = spec_utils.get_tensor_specs(environment)
    train_step = train_utils.create_train_step()

    # 1. Collect demonstrations in raw units, with any policy, into any replay buffer.
    demonstrator = particle.ParticleDemonstrator(environment)
    replay_buffer = tf_uniform_replay_buffer.TFUniformReplayBuffer(
        tensor_spec.from_spec(demonstrator.collect_data_spec),
        batch_size=1,
        max_length=demonstrations * (environment.max_episode_steps + 1),
    )
    actor.Actor(
        environment,
        demonstrator,
        train_step,
        episodes_per_run=demonstrations,
        observers=[lambda frame: replay_buffer.add_batch(nest_utils.batch_nested_array(frame))],
    ).run()

    # 2. Compute the statistics of the normalizer in one pass over all frames.
    frames = replay_buffer.as_dataset(single_deterministic_pass=True)
    normalizer = Normalizer.from_dataset(frames, observation_spec, action_spec)

    # 3. Train the agent on windows of consecutive frames. It pads windows at episode starts.
    agent = agents.ImplicitBCAgent(
        time_step_spec,
        action_spec,
        normalizer,
        networks.MlpEnergyNetwork(width=128, depth=2),
        tf.keras.optimizers.Adam(1e-3),
        window=window,
        train_step_counter=train_step,
    )
    windows = replay_buffer.as_dataset(sample_batch_size=128, num_steps=window).prefetch(4)
    learner.Learner(root_dir, train_step, agent, lambda: windows).run(iterations=steps)

    # 4. Save and evaluate the policy. Its state holds the window; the SavedModel normalizes.
    policy_saver.PolicySaver(agent.policy, batch_size=None).save(f"{root_dir}/policy")
    successes = []
    actor.Actor(
        environment,
        py_tf_eager_policy.PyTFEagerPolicy(agent.policy, use_tf_function=True),
        train_step,
        episodes_per_run=evaluations,
        observers=[lambda frame: frame.is_last() and successes.append(environment.success)],
    ).run()
    return np.mean(successes)


if __name__ == "__main__":
    print("success", main())
