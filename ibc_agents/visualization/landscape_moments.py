"""The observations of an episode, one after another, as a policy meets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import common

from data.episodes import episodes
from environments import base
from ibc_agents.rollouts import evaluation
from ibc_agents.visualization import energy_landscape


def of_demonstration(
    policy: Any, episode: episodes.Episode, policy_seed: np.ndarray
) -> Iterator[energy_landscape.Moment]:
    """Shows a policy what a demonstrator saw; frames without an executed action are left out.

    Args:
        policy: a `WindowPolicy`.
        episode: the demonstration.
        policy_seed: int32 ``[2]``, of what the policy would draw.

    Yields:
        The moments, with the demonstrated actions.
    """
    state = _initial_state(policy, policy_seed)
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


def of_rollout(
    policy: Any, environment: base.Environment, seed: int, episode: int
) -> Iterator[energy_landscape.Moment]:
    """Lets a policy act: the episode that `evaluation.evaluate` runs for the same numbers.

    Args:
        policy: a `WindowPolicy`.
        environment: a single one.
        seed: of the evaluation, not negative.
        episode: its number, not negative.

    Yields:
        The moments, with pictures of the environment before each action.
    """
    environment_seed, policy_seed = evaluation.episode_seeds(seed, episode)
    act = common.function(policy.action)
    state = _initial_state(policy, policy_seed)
    environment.seed(environment_seed)
    time_step = environment.reset()
    while not time_step.is_last():
        batched = tf.nest.map_structure(lambda leaf: tf.constant(leaf)[None], time_step)
        window, drawn_from, _ = policy.recall(batched, state)
        yield energy_landscape.Moment(window, drawn_from, picture=environment.render())
        step = act(batched, state)
        state = step.state
        time_step = environment.step(
            tf.nest.map_structure(lambda leaf: leaf.numpy()[0], step.action)
        )


def _initial_state(policy: Any, policy_seed: np.ndarray) -> Any:
    return {**policy.get_initial_state(1), "seed": tf.constant(policy_seed)[None]}
