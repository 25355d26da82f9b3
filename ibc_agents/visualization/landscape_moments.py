"""The moments at which a policy acts, along a demonstration or a rollout."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from data import episodes
from environments import base
from ibc_agents.policies import window_policy
from ibc_agents.rollouts import actors, episode_loop, rollout_seeds


class Moment(NamedTuple):
    """An observation at which a policy acts.

    Attributes:
        window: Raw observations, a nest of tensors [1, T, …].
        seed: Seed of what the policy draws, int32 [1, 2].
        demonstrated: Nest of the raw actions of a demonstrator; None if there is none.
        image: Image of the environment, uint8 [H, W, 3]; None if there is none.
    """

    window: Any
    seed: tf.Tensor
    demonstrated: Any = None
    image: np.ndarray | None = None


def recall_demonstration(
    policy: window_policy.WindowPolicy, episode: episodes.Episode, policy_seed: np.ndarray
) -> Iterator[Moment]:
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
        yield Moment(window, seed, demonstrated)


def iterate_rollout(
    policy: window_policy.WindowPolicy,
    make_environment: Callable[[], base.Environment],
    seed: int,
    episode: int,
) -> Iterator[Moment]:
    """Runs an evaluation episode of a policy, as far as its moments are asked for.

    Args:
        policy: The policy.
        make_environment: Makes one environment.
        seed: Seed of the evaluation, at least 0.
        episode: Number of the episode, at least 0.

    Yields:
        The moment of each action, with an image of the environment before it.
    """
    seeds = [rollout_seeds.for_evaluation(seed, episode)]
    with contextlib.closing(base.vectorize(make_environment, 1)) as environment:
        actor = actors.PolicyActor(policy)
        for frame in episode_loop.iterate_frames(environment, actor, seeds):
            if not frame.is_ending[0]:
                time_step = tf.nest.map_structure(tf.constant, frame.time_step)
                window, policy_seed, _ = policy.recall(time_step, frame.actor_state)
                yield Moment(window, policy_seed, image=environment.render(0))
