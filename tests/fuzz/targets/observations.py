"""Observations of any dtype, rank and layout, from which an agent is built."""

from __future__ import annotations

import functools
import json
import math
import pathlib
from typing import Any

import gin
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

import data
from data.episodes import dataset_statistics, specs
from ibc_agents import agents, networks
from ibc_agents.core.scaling import image_format
from ibc_agents.runs import dataset_info, experiment
from tests.fuzz import mutations
from tests.fuzz import target as target_lib

_FILE = "observation.json"
_NUM_FRAMES = 4
_MAX_ELEMENTS = 20_000
_DTYPES = tuple(dtype.name for dtype in specs.STORABLE_DTYPES)
# Channels of the images whose true layout is known, and the lengths of their sides.
_CHANNELS = (1, 2, 3, 4, 6, 9, 12)
_SIDES = (24, 40)
# By the rank of the leaf.
_AXES = {2: ("HW", "WH"), 3: ("HWC", "CHW", "KHW"), 4: ("KHWC", "KCHW", "HWKC")}
_WRONG_AXES = ("HWC", "HW", "C", "HWHW", "", 7, None)
_WHITES = (None, 1.0, 1.0, 255.0, 65535.0, 2.0**31, 0.0, -1.0, 1e30, "1")
_ENCODERS = {
    "pixels": lambda: networks.PixelEncoder(
        [networks.ConvMaxPool((2,)), networks.GlobalAveragePooling()]
    ),
    "resized": lambda: networks.PixelEncoder(
        [networks.ConvStrided((2,), (2,), (3,)), networks.SpatialSoftArgmax()], size=(9, 8)
    ),
    "vectors": lambda: networks.MlpEncoder(width=4, depth=2),
    "flat": networks.FlatEncoder,
}


class Observations(target_lib.Target):
    """Builds an agent on the observations of a dataset, and computes a loss.

    An image whose axes are exchanged in silence is wrong.
    """

    name = "observations"
    mutants = 1_000

    def prepare(self, folder: pathlib.Path) -> None:
        leaves = {
            "image": {"dtype": "uint8", "shape": [16, 20, 3], "axes": "HWC"},
            "position": {"dtype": "float32", "shape": [2]},
        }
        _write(folder, {"leaves": leaves, "encoder": "pixels", "seed": 0})

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        leaves = {
            f"leaf_{number}": _random_leaf(generator) for number in range(generator.integers(1, 4))
        }
        content = {
            "leaves": leaves,
            "encoder": mutations.choose(generator, tuple(_ENCODERS)),
            "seed": int(generator.integers(1000)),
        }
        _write(folder, content)
        return json.dumps(content)

    def read(self, folder: pathlib.Path) -> None:
        content = json.loads((folder / _FILE).read_text())
        generator = np.random.default_rng(content["seed"])
        leaves = content["leaves"]
        frames = _frames({name: _values(leaf, generator) for name, leaf in leaves.items()})
        spec = tf.nest.map_structure(lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), frames)
        statistics = dataset_statistics.compute_statistics([frames], spec)
        run = _experiment()
        run.agent = functools.partial(
            agents.MseAgent,
            encoder=_ENCODERS[content["encoder"]](),
            optimizer=tf.keras.optimizers.Adam(),
            window=1,
        )
        declared = {
            f"observation/{name}": image_format.ImageFormat(**leaf["declared"])
            for name, leaf in leaves.items()
            if "declared" in leaf
        }
        gin.bind_parameter("Normalizer.image_formats", declared)
        try:
            info = dataset_info.DatasetInfo("fuzz", "", spec, statistics, 1, 0)
            agent = run.build_agent(info)
        finally:
            gin.clear_config()
        loss = agent.loss(tf.nest.map_structure(lambda leaf: tf.constant(leaf[:, None]), frames))
        if not math.isfinite(float(loss.loss)):
            raise target_lib.Wrong(f"the loss is {float(loss.loss)}")
        _check_axes(leaves, agent.normalizer.normalize_observation(frames.observation))


def _random_leaf(generator: np.random.Generator) -> dict[str, Any]:
    if generator.random() < 0.5:
        # An image of which the layout is known.
        height, width = (int(side) for side in generator.integers(*_SIDES, 2))
        channels = int(mutations.choose(generator, _CHANNELS))
        axes = mutations.choose(generator, ("HWC", "CHW"))
        shape = [{"H": height, "W": width, "C": channels}[letter] for letter in axes]
        return {"dtype": "uint8", "shape": shape, "axes": axes}
    shape = [int(side) for side in generator.integers(1, 40, generator.integers(0, 6))]
    while math.prod(shape) > _MAX_ELEMENTS:
        shape.pop()
    leaf: dict[str, Any] = {"dtype": mutations.choose(generator, _DTYPES), "shape": shape}
    if generator.random() < 0.6:
        axes = _AXES.get(len(shape), _WRONG_AXES) if generator.random() < 0.9 else _WRONG_AXES
        leaf["declared"] = {
            "axes": mutations.choose(generator, axes),
            "white": mutations.choose(generator, _WHITES),
        }
    return leaf


def _values(leaf: dict[str, Any], generator: np.random.Generator) -> np.ndarray:
    """Returns the leaf of all frames; floats are in [0, 1], integers over their whole range."""
    shape, dtype = [_NUM_FRAMES, *leaf["shape"]], np.dtype(leaf["dtype"])
    if dtype.kind == "f":
        return generator.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def _frames(observation: dict[str, np.ndarray]) -> trajectory.Trajectory:
    step_type = np.array([0, *[1] * (_NUM_FRAMES - 2), 2], np.int32)
    ones = np.ones(_NUM_FRAMES, np.float32)
    action = np.linspace(0, 1, _NUM_FRAMES, dtype=np.float32)[:, None]
    return trajectory.Trajectory(step_type, observation, action, (), step_type, ones, ones)


@functools.cache
def _experiment() -> experiment.Experiment:
    return experiment.Experiment("unused", "unused", agents.MseAgent, data.InMemorySource())


def _check_axes(leaves: dict[str, Any], normalized: dict[str, tf.Tensor]) -> None:
    for name, leaf in leaves.items():
        if "axes" not in leaf:
            continue
        sizes = dict(zip(leaf["axes"], leaf["shape"], strict=True))
        expected = [_NUM_FRAMES, *(sizes[letter] for letter in "HWC")]
        if normalized[name].shape.as_list() != expected:
            raise target_lib.Wrong(f"{name} became an image of shape {normalized[name].shape}")


def _write(folder: pathlib.Path, content: dict[str, Any]) -> None:
    (folder / _FILE).write_text(json.dumps(content))


TARGETS = [Observations()]
