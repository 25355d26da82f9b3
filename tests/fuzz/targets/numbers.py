"""Extreme numbers, dtypes and shapes for normalizers, training steps and exported policies."""

from __future__ import annotations

import abc
import atexit
import functools
import pathlib
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import policy_saver
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents import agents, networks, policies
from ibc_agents.core import errors
from ibc_agents.core import normalizer as normalizer_lib
from tests.fuzz import target

_INPUT = "input.npz"
_BATCH_SIZE = 3
_FRAMES = 40
_WINDOW = 2

OBSERVATION_SPEC = {
    "clock": tf.TensorSpec([], tf.int64, "clock"),
    "count": tf.TensorSpec([1], tf.int32, "count"),
    "pose": tf.TensorSpec([2], tf.float64, "pose"),
    "sensors": tf.TensorSpec([3], tf.float32, "sensors"),
}
ACTION_SPEC = tensor_spec.BoundedTensorSpec([2], tf.float32, [-1.0, 0.0], [1.0, 3.0], "action")
TIME_STEP_SPEC = ts.time_step_spec(OBSERVATION_SPEC)

_FLOATS = (
    np.nan, np.inf, -np.inf, 1e30, -1e30, 3.4e38, -3.4e38, 1e300, -1e308, 1e-40, -1e-320, -0.0, 0.0,
)  # fmt: skip
_INTEGERS = (-(2**63), 2**63 - 1, -(2**31), 2**31 - 1, 2**53 + 1, 0, -1)
_DTYPES = (
    "float16",
    "float32",
    "float64",
    "int8",
    "int32",
    "int64",
    "uint8",
    "bool",
    "complex64",
    "S3",
)


def _observations(num_frames: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "clock": 1_700_000_000 * 10**9 + generator.integers(0, 10**10, num_frames),
        "count": generator.integers(0, 100, [num_frames, 1], np.int32),
        "pose": 5.5e6 + generator.normal(size=[num_frames, 2]),
        "sensors": generator.normal(size=[num_frames, 3]).astype(np.float32),
    }


def _actions(num_frames: int) -> np.ndarray:
    generator = np.random.default_rng(1)
    return generator.uniform([-1, 0], [1, 3], [num_frames, 2]).astype(np.float32)


@functools.cache
def _normalizer() -> normalizer_lib.Normalizer:
    return _make_normalizer(_observations(_FRAMES), _actions(_FRAMES), ACTION_SPEC)


def _make_normalizer(
    observations: dict[str, np.ndarray], actions: np.ndarray, action_spec: Any
) -> normalizer_lib.Normalizer:
    step_type = np.ones(len(actions), np.int32)
    frames = trajectory.Trajectory(step_type, observations, actions, (), step_type, (), ())
    return normalizer_lib.Normalizer.from_dataset([frames], OBSERVATION_SPEC, action_spec)


def _make_mse_agent() -> agents.MseAgent:
    tf.keras.utils.set_random_seed(0)
    return agents.MseAgent(
        TIME_STEP_SPEC,
        ACTION_SPEC,
        _normalizer(),
        networks.MlpEncoder(width=8, depth=2),
        tf.keras.optimizers.Adam(1e-2),
        window=_WINDOW,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )


def _make_implicit_agent() -> agents.ImplicitBCAgent:
    tf.keras.utils.set_random_seed(0)
    return agents.ImplicitBCAgent(
        TIME_STEP_SPEC,
        ACTION_SPEC,
        _normalizer(),
        networks.MlpEnergyNetwork(width=8, depth=2, head=networks.SoftMinimum(4, 2)),
        tf.keras.optimizers.Adam(1e-2),
        window=_WINDOW,
        policy_search=policies.PolicySearch(number=16),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )


class ArraysTarget(target.Target):
    """An input that consists of named arrays."""

    @abc.abstractmethod
    def make_arrays(self) -> dict[str, np.ndarray]:
        """Returns the undamaged arrays."""

    @abc.abstractmethod
    def use(self, arrays: dict[str, np.ndarray]) -> None:
        """See `read`."""

    def prepare(self, folder: pathlib.Path) -> None:
        """See the base class."""
        np.savez(folder / _INPUT, **self.make_arrays())

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        """See the base class."""
        arrays = _load(folder)
        name = str(generator.choice(sorted(arrays)))
        change = generator.choice([_change_values, _change_values, _change_form])
        damaged, description = change(arrays.pop(name), generator)
        if damaged is not None:
            arrays[name] = damaged
        np.savez(folder / _INPUT, **arrays)
        return f"{name}: {description}"

    def read(self, folder: pathlib.Path) -> None:
        """See the base class."""
        with np.errstate(all="ignore"):
            self.use(_load(folder))


class ExportedPolicy(ArraysTarget):
    """The inputs of a SavedModel: a time step and a policy state."""

    def __init__(self, name: str, make_agent: Callable[[], Any], mutants: int):
        self.name = name
        self.mutants = mutants
        self._make_agent = make_agent

    def make_arrays(self) -> dict[str, np.ndarray]:
        """See the base class."""
        observation = _observations(_BATCH_SIZE)
        past = {f"past_{name}": value[:, None] for name, value in observation.items()}
        return {
            **observation,
            **past,
            "seed": np.arange(2 * _BATCH_SIZE, dtype=np.int32).reshape(_BATCH_SIZE, 2),
            "step_type": np.array([0, 1, 1], np.int32),
            "reward": np.zeros(_BATCH_SIZE, np.float32),
            "discount": np.ones(_BATCH_SIZE, np.float32),
        }

    def use(self, arrays: dict[str, np.ndarray]) -> None:
        """Acts; equal rows must have equal actions, all finite and inside the bounds."""
        action = self._act(arrays)
        if action.shape[1:] != (2,) or not np.isfinite(action).all():
            raise target.Wrong(f"the action is {action.tolist()}")
        if (action < ACTION_SPEC.minimum).any() or (action > ACTION_SPEC.maximum).any():
            raise target.Wrong(f"the action {action.tolist()} is outside its bounds")
        plain = self.make_arrays()
        for row in range(min(len(action), _BATCH_SIZE)):
            equal = all(
                name in arrays
                and arrays[name][row : row + 1].tobytes() == plain[name][row : row + 1].tobytes()
                for name in plain
            )
            if equal and not np.allclose(action[row], self._plain_action[row], atol=1e-5):
                raise target.Wrong(f"row {row} depends on another row")

    def _act(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        observation = {key: arrays[key] for key in OBSERVATION_SPEC if key in arrays}
        past = {key: arrays[f"past_{key}"] for key in OBSERVATION_SPEC if f"past_{key}" in arrays}
        time_step = ts.TimeStep(
            *(arrays.get(field, ()) for field in ("step_type", "reward", "discount")), observation
        )
        state = {"seed": arrays.get("seed", ()), "observations": past}
        try:
            return self._policy.action(time_step, state).action.numpy()
        except (ValueError, TypeError) as error:  # of a wrong structure, shape or dtype
            raise errors.UserError(str(error)) from error
        except tf.errors.InvalidArgumentError as error:
            if "is NaN or infinite" not in error.message:
                raise
            raise errors.UserError(error.message) from error

    @functools.cached_property
    def _policy(self) -> Any:
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        saver = policy_saver.PolicySaver(self._make_agent().policy, batch_size=None)
        saver.save(folder)
        return tf.saved_model.load(folder)

    @functools.cached_property
    def _plain_action(self) -> np.ndarray:
        return self._act(self.make_arrays())


class NormalizerTarget(ArraysTarget):
    """Demonstrations and bounds from which a normalizer is made."""

    name = "normalizer"
    mutants = 500

    def make_arrays(self) -> dict[str, np.ndarray]:
        """See the base class."""
        low, high = np.array([-1.0, 0.0]), np.array([1.0, 3.0])
        return {**_observations(_FRAMES), "action": _actions(_FRAMES), "low": low, "high": high}

    def use(self, arrays: dict[str, np.ndarray]) -> None:
        """Makes a normalizer; all its results must be finite and inside its bounds."""
        observations = {key: arrays[key] for key in OBSERVATION_SPEC if key in arrays}
        try:
            spec = tensor_spec.BoundedTensorSpec([2], tf.float64, arrays["low"], arrays["high"])
            normalizer = _make_normalizer(observations, arrays["action"], spec)
            scaled = normalizer.scale_action(arrays["action"]).numpy()
        except (ValueError, TypeError, KeyError) as error:
            raise errors.UserError(str(error)) from error
        low, high = (bound.numpy() for bound in normalizer.bounds)
        if not (np.isfinite(low) & np.isfinite(high) & (low <= high)).all():
            raise target.Wrong(f"the bounds are {low} and {high}")
        if not ((scaled >= low) & (scaled <= high)).all():
            raise target.Wrong(f"a demonstrated action is outside the bounds {low} and {high}")
        normalized = tf.nest.flatten(normalizer.normalize_observation(observations))
        if not all(np.isfinite(leaf).all() for leaf in normalized):
            raise target.Wrong("a normalized observation is not finite")


class TrainStep(ArraysTarget):
    """A batch of experience and its weights."""

    name = "train_step"
    mutants = 300

    def make_arrays(self) -> dict[str, np.ndarray]:
        """See the base class."""
        return {
            **{
                key: np.stack([value[:-1], value[1:]], axis=1)
                for key, value in _observations(_BATCH_SIZE + 1).items()
            },
            "action": np.stack([_actions(_BATCH_SIZE)] * 2, axis=1),
            "weights": np.ones(_BATCH_SIZE, np.float32),
            "step_type": np.ones([_BATCH_SIZE, _WINDOW], np.int32),
        }

    def use(self, arrays: dict[str, np.ndarray]) -> None:
        """Trains one step; all weights must stay finite."""
        observations = {key: arrays[key] for key in OBSERVATION_SPEC if key in arrays}
        step_type, outer = arrays.get("step_type", ()), [_BATCH_SIZE, _WINDOW]
        experience = trajectory.Trajectory(
            step_type, observations, arrays.get("action", ()), (), step_type,
            np.zeros(outer, np.float32), np.ones(outer, np.float32),
        )  # fmt: skip
        try:
            experience = tf.nest.map_structure(tf.constant, experience)
            self._agent.train(experience, arrays.get("weights"))
        except (ValueError, TypeError) as error:
            raise errors.UserError(str(error)) from error
        variables = [*self._agent._variables(), *self._agent._update.optimizer.variables]
        if not all(np.isfinite(variable).all() for variable in variables):
            raise target.Wrong("a weight or a moment of the optimizer is not finite")

    @functools.cached_property
    def _agent(self) -> agents.MseAgent:
        agent = _make_mse_agent()
        agent.initialize()
        return agent


def _load(folder: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(folder / _INPUT) as arrays:
        return dict(arrays)


def _change_values(array: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, str]:
    """Sets an element, a row or the whole array to an extreme number."""
    values = _INTEGERS if array.dtype.kind in "iu" else _FLOATS
    value = values[generator.integers(len(values))]
    with np.errstate(all="ignore"):
        number = np.asarray(value).astype(array.dtype)
    place = tuple(generator.integers(size) for size in array.shape)
    place = place[: generator.integers(array.ndim + 1)]
    array[place] = number
    return array, f"{number} at {[int(k) for k in place]}"


def _change_form(
    array: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray | None, str]:
    """Removes the array, or changes its dtype or shape."""
    kind = generator.choice(["missing", "dtype", "shorter", "longer", "empty", "flat", "nested"])
    if kind == "missing":
        return None, "missing"
    if kind == "dtype":
        dtype = str(generator.choice(_DTYPES))
        with np.errstate(all="ignore"):
            return array.astype(dtype), dtype
    axis = int(generator.integers(array.ndim))
    forms = {
        "shorter": np.delete(array, -1, axis),
        "longer": np.repeat(array, 2, axis),
        "empty": np.take(array, [], axis),
        "flat": array.reshape(-1),
        "nested": array[None],
    }
    return forms[kind], f"{kind} along axis {axis}"


TARGETS: list[target.Target] = [
    ExportedPolicy("policy_mse", _make_mse_agent, mutants=500),
    ExportedPolicy("policy_implicit", _make_implicit_agent, mutants=300),
    NormalizerTarget(),
    TrainStep(),
]
