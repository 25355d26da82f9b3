"""The moments at which a policy acts, along a demonstration or a rollout."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from data.episodes import episodes
from environments import base
from ibc_agents.policies import window_policy
from ibc_agents.rollouts import actors, episode_loop, rollout_seeds
from ibc_agents.visualization import energy_landscape


def recall_demonstration(
    policy: window_policy.WindowPolicy, episode: episodes.Episode, policy_seed: np.ndarray
) -> Iterator[energy_landscape.Moment]:
    """Passes the observations of a demonstration to a policy.

    Args:
        policy: The policy, which does not act.
        episode: The demonstration.
        policy_seed: Seed of what the policy would draw, int32 [2].

    Yields:
        The moment of each frame whose action was executed, with the demonstrated action.
    """
    state = actors.with_seeds(policy.get_initial_state(1), policy_seed[None])
    frames = episode.frames
    for k in np.flatnonzero(episode.executed):
        time_step = ts.TimeStep(
            *tf.nest.map_structure(
                lambda leaf, k=k: tf.constant(leaf[k : k + 1]),
                (frames.step_type, frames.reward, frames.discount, frames.observation),
            )
        )
        window, seed, state = policy.recall(time_step, state)
        demonstrated = tf.nest.map_structure(lambda leaf, k=k: leaf[k], frames.action)
        yield energy_landscape.Moment(window, seed, demonstrated)


def record_rollout(
    policy: window_policy.WindowPolicy,
    make_environment: Callable[[], base.Environment],
    seed: int,
    episode: int,
) -> list[energy_landscape.Moment]:
    """Runs an evaluation episode of a policy and records its moments.

    Args:
        policy: The policy.
        make_environment: Makes one environment.
        seed: Seed of the evaluation, at least 0.
        episode: Number of the episode, at least 0.

    Returns:
        The moment of each action, with a picture of the environment before it.
    """
    recorder = _MomentRecorder(policy)
    with contextlib.closing(base.vectorize(make_environment, 1)) as environment:
        episode_loop.run_episodes(
            environment,
            actors.PolicyActor(policy),
            [rollout_seeds.for_evaluation(seed, episode)],
            [recorder],
        )
    return recorder.moments


class _MomentRecorder:
    """Records the moments of a policy in an environment of one row."""

    def __init__(self, policy: window_policy.WindowPolicy) -> None:
        self._policy = policy
        self.moments: list[energy_landscape.Moment] = []

    def observe(self, frame: episode_loop.Frame) -> None:
        if frame.is_ending[0]:
            return
        time_step = tf.nest.map_structure(tf.constant, frame.time_step)
        window, seed, _ = self._policy.recall(time_step, frame.actor_state)
        picture = frame.environment.render(0)
        self.moments.append(energy_landscape.Moment(window, seed, picture=picture))
