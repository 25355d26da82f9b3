"""A small image task: the action is the position of the dot in the newest frame plus a vector."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents.core import normalizer as normalizer_lib
from tests.ibc_agents import helpers

HEIGHT, WIDTH = 16, 20
OBSERVATION_SPEC = {
    "rgb": tensor_spec.BoundedTensorSpec((HEIGHT, WIDTH, 3), tf.uint8, 0, 255, "rgb"),
    "offset": tf.TensorSpec((2,), tf.float32, "offset"),
}
ACTION_SPEC = tensor_spec.BoundedTensorSpec((2,), tf.float32, -1.0, 2.0, "action")
TIME_STEP_SPEC = ts.time_step_spec(OBSERVATION_SPEC)


def draw_dots(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns images, uint8 [..., H, W, 3], of a bright dot at (x, y) in [0, 1] on dim noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    # At least two pixels from the edges.
    column = 2 + positions[..., 0, None, None] * (WIDTH - 5)
    row = 2 + positions[..., 1, None, None] * (HEIGHT - 5)
    dot = np.exp(-((x - column) ** 2 + (y - row) ** 2) / 2.0)[..., None]
    noise = rng.uniform(0, 60, (*positions.shape[:-1], HEIGHT, WIDTH, 3))
    return np.clip(noise + 200 * dot, 0, 255).astype(np.uint8)


def make_experience(batch_size: int, window: int = 2, seed: int = 0) -> trajectory.Trajectory:
    """Returns demonstrations [B, T, …]; the dots of older frames are elsewhere."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, 1, (batch_size, window, 2))
    offset = rng.uniform(-1, 1, (batch_size, window, 2))
    step_type = np.full((batch_size, window), helpers.MID, np.int32)
    return tf.nest.map_structure(
        tf.constant,
        trajectory.Trajectory(
            step_type=step_type,
            observation={
                "rgb": draw_dots(positions, rng),
                "offset": offset.astype(np.float32),
            },
            action=(positions + 0.3 * offset).astype(np.float32),
            policy_info=(),
            next_step_type=step_type,
            reward=np.zeros((batch_size, window), np.float32),
            discount=np.ones((batch_size, window), np.float32),
        ),
    )


def make_normalizer() -> normalizer_lib.Normalizer:
    """Returns the normalizer of make_experience."""
    return normalizer_lib.Normalizer.from_dataset(
        [make_experience(200, 1)], OBSERVATION_SPEC, ACTION_SPEC
    )


def make_time_step(experience: trajectory.Trajectory, frame: int, step_type: int) -> ts.TimeStep:
    """Returns one frame of experience as a time step."""
    batch_size = experience.step_type.shape[0]
    return ts.TimeStep(
        step_type=tf.fill([batch_size], step_type),
        reward=tf.zeros(batch_size),
        discount=tf.ones(batch_size),
        observation=tf.nest.map_structure(lambda leaf: leaf[:, frame], experience.observation),
    )
