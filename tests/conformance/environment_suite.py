"""The environments of the conformance suite, and what its modules share.

Every task file in `gin_configs/tasks` enters the suite with its environment and its demonstrator.
The tables below replace some of them by shorter episodes and add variants.
"""

from __future__ import annotations

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from environments import d4rl
from environments.base import Environment
from environments.block_pushing import BlockPushingEnvironment, demonstrators, tasks
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from environments.push_t import PushTEnvironment
from ibc_agents.cli import gin_files
from ibc_agents.runs import task as task_lib
from tests.conformance.drift_environment import DriftEnvironment

TASK_FILES = pathlib.Path(__file__).resolve().parents[2] / "gin_configs" / "tasks"


def _with_short_episodes(task: type) -> type:
    """Limits the episodes of a task to 12 steps, because simulated steps are slow."""
    return type(task.__name__, (task,), {"max_episode_steps": 12})


def _short(task: type[tasks.Task]) -> tasks.Task:
    return _with_short_episodes(task)()


ENVIRONMENTS: dict[str, Callable[[], Environment]] = {
    "drift": DriftEnvironment,
    "particle": ParticleEnvironment,
    "particle_1d": functools.partial(ParticleEnvironment, 1),
    "particle_32d": functools.partial(ParticleEnvironment, 32),
    "particle_hidden_velocity": functools.partial(ParticleEnvironment, hide_velocity=True),
    "particle_either_goal_first": functools.partial(ParticleEnvironment, either_goal_first=True),
    "particle_wait": functools.partial(ParticleEnvironment, 3, wait_at_first_goal=5),
    "pushing_states": BlockPushingEnvironment,
    "pushing_pixels": functools.partial(
        BlockPushingEnvironment, _short(tasks.SingleTarget), image_size=(9, 12)
    ),
    "pushing_reach": functools.partial(BlockPushingEnvironment, _short(tasks.Reach)),
    "pushing_discontinuous": functools.partial(
        BlockPushingEnvironment, _short(tasks.Discontinuous)
    ),
    "pushing_multimodal": functools.partial(BlockPushingEnvironment, _short(tasks.Multimodal)),
    "pushing_insert": functools.partial(BlockPushingEnvironment, _short(tasks.Insert)),
    "push_t_states": _with_short_episodes(PushTEnvironment),
    "push_t_keypoints": functools.partial(_with_short_episodes(PushTEnvironment), "keypoints"),
    "push_t_pixels": functools.partial(_with_short_episodes(PushTEnvironment), "pixels"),
    "d4rl/pen": _with_short_episodes(d4rl.PenEnvironment),
    "d4rl/hammer": _with_short_episodes(d4rl.HammerEnvironment),
    "d4rl/door": _with_short_episodes(d4rl.DoorEnvironment),
    "d4rl/relocate": _with_short_episodes(d4rl.RelocateEnvironment),
    "d4rl/kitchen_complete": _with_short_episodes(d4rl.KitchenCompleteEnvironment),
    "d4rl/kitchen_mixed": _with_short_episodes(d4rl.KitchenMixedEnvironment),
    "d4rl/kitchen_partial": _with_short_episodes(d4rl.KitchenPartialEnvironment),
}

# Factories of an environment, and of its demonstrator from a single or vector environment.
DEMONSTRATORS: dict[str, tuple[Callable[[], Environment], Callable[[Any], Any]]] = {
    **{
        name: (ENVIRONMENTS[name], ParticleDemonstrator)
        for name in (
            "particle",
            "particle_32d",
            "particle_hidden_velocity",
            "particle_either_goal_first",
            "particle_wait",
        )
    },
    "pushing_states": (BlockPushingEnvironment, demonstrators.SingleTargetDemonstrator),
    "pushing_reach": (
        functools.partial(BlockPushingEnvironment, tasks.Reach()),
        demonstrators.ReachDemonstrator,
    ),
    "pushing_discontinuous": (
        functools.partial(BlockPushingEnvironment, tasks.Discontinuous()),
        demonstrators.DiscontinuousDemonstrator,
    ),
    "pushing_multimodal": (
        functools.partial(BlockPushingEnvironment, tasks.Multimodal()),
        functools.partial(demonstrators.MultimodalDemonstrator, action_noise=0.002),
    ),
    "pushing_insert": (
        functools.partial(BlockPushingEnvironment, tasks.Insert()),
        demonstrators.InsertDemonstrator,
    ),
}


@contextlib.contextmanager
def _configured(name: str) -> Iterator[task_lib.Task]:
    """The task of a task file, while its gin configuration is in force."""
    gin_files.parse_gin([f"gin_configs/tasks/{name}.gin"], [])
    try:
        yield task_lib.Task()
    finally:
        gin.clear_config()


def _make_environment(name: str) -> Environment:
    with _configured(name) as task:
        return task.environment()


def _make_demonstrator(name: str, environment: Any) -> Any:
    with _configured(name) as task:
        return task.demonstrator(environment)


for _path in sorted(TASK_FILES.rglob("*.gin")):
    _name = _path.relative_to(TASK_FILES).with_suffix("").as_posix()
    if _name in ENVIRONMENTS or _name == "dataset":  # the one task without an environment
        continue
    ENVIRONMENTS[_name] = functools.partial(_make_environment, _name)
    if "Task.demonstrator" in _path.read_text(encoding="utf-8"):
        DEMONSTRATORS[_name] = (
            ENVIRONMENTS[_name],
            functools.partial(_make_demonstrator, _name),
        )

Act = Callable[[Any, np.random.Generator], Any]


def random_action(environment: Any, rng: np.random.Generator) -> Any:
    return tf.nest.map_structure(
        lambda spec: rng.uniform(spec.minimum, spec.maximum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def extreme_action(environment: Any, rng: np.random.Generator) -> Any:
    """Samples a bound for each element."""

    def choose(spec: Any) -> np.ndarray:
        high = rng.random(spec.shape) < 0.5
        return np.where(high, spec.maximum, spec.minimum).astype(spec.dtype)

    return tf.nest.map_structure(choose, environment.action_spec())


def lower_bound_action(environment: Any, rng: np.random.Generator) -> Any:
    del rng
    return tf.nest.map_structure(
        lambda spec: np.broadcast_to(spec.minimum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def upper_bound_action(environment: Any, rng: np.random.Generator) -> Any:
    del rng
    return tf.nest.map_structure(
        lambda spec: np.broadcast_to(spec.maximum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def episode(environment: Environment, act: Act, action_seed: int = 0) -> list[Any]:
    """Runs the next episode and returns its time steps."""
    rng = np.random.default_rng(action_seed)
    steps = [environment.reset()]
    while not steps[-1].is_last():
        assert len(steps) <= environment.max_episode_steps
        steps.append(environment.step(act(environment, rng)))
    return steps


def assert_equal(left: Any, right: Any) -> None:
    """Asserts that nests of arrays are bit-equal."""
    for a, b in zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def row_of(time_step: Any, row: int) -> Any:
    return tf.nest.map_structure(lambda value: np.asarray(value[row]), time_step)
