"""Every class that gin configures checks each of its settings where it is given."""

import inspect
import math

import gin
import pytest
import tensorflow as tf

from environments import block_pushing, d4rl, particle
from ibc_agents import agents, samplers
from ibc_agents.cli.gin_config import configurables
from ibc_agents.core import errors, normalizer
from tests.ibc_agents import helpers

WRONG = {
    "int": (20.5, True, "3", math.nan, math.inf, -2, 1e300, None, [1], int),
    "float": (math.nan, math.inf, -math.inf, True, "0.1", 1e300, None, [0.1], float),
    "bool": (1, "True", None, bool),
    "str": (3, None, True, str),
    "Sequence[int]": (3, (), (1.5,), "ab", (True,), (0,), None),
    "tuple[int, int]": (3, (1,), (1, 2, 3), (4, 0.5), "ab", (0, 1)),
    "tuple[float, float, float]": (3, (1.0,), (0.0, 0.0, math.nan), "abc", None),
}
# Constructors that need more than the setting.
MAKERS = {
    "ImplicitBCAgent": helpers.make_agent,
    "AutoregressiveBCAgent": helpers.make_autoregressive_agent,
    "DiffusionAgent": helpers.make_diffusion_agent,
    "MdnAgent": helpers.make_mdn_agent,
    "MseAgent": helpers.make_mse_agent,
    "NearestNeighborAgent": lambda **settings: agents.NearestNeighborAgent(
        helpers.TIME_STEP_SPEC, helpers.ACTION_SPEC, helpers.make_normalizer(), **settings
    ),
    "Normalizer": lambda **settings: normalizer.Normalizer.from_dataset(
        [helpers.make_experience(8, 1)], helpers.OBSERVATION_SPEC, helpers.ACTION_SPEC, **settings
    ),
}
REQUIRED = {
    "action_size": 2,
    "encoder": tf.keras.layers.Dense(2),
    "environment": particle.ParticleEnvironment(),
    "head": tf.keras.layers.Dense,
    "network": lambda size: tf.keras.layers.Dense(size),
    "sampler": samplers.Langevin(),
    "samplers": [samplers.Langevin()],
    "units": 2,
}
# Callers pass them: an experiment its own seed, and Keras the shape of a layer.
PASSED_BY_CALLERS = {"seed", "units", "action_size"}


def configurable_settings():
    """Yields a class, a setting and its annotation, for every setting of a known type."""
    configurables.register()
    assert block_pushing and d4rl and particle  # the imports register their classes
    for name, configurable in gin.config._REGISTRY.items():
        made = configurable.wrapped
        if not name.startswith(("data.", "environments.", "ibc_agents.")):
            continue
        for parameter in inspect.signature(made).parameters.values():
            kind = str(parameter.annotation).removesuffix(" | None")
            if kind in WRONG and parameter.name not in PASSED_BY_CALLERS:
                yield made, parameter, kind


SETTINGS = list(configurable_settings())


def test_the_table_has_the_settings_of_all_packages():
    names = {f"{made.__name__}.{parameter.name}" for made, parameter, _ in SETTINGS}
    assert len(names) > 80
    for known in ("TrainingSettings.num_steps", "ParticleEnvironment.dimension", "MseAgent.window"):
        assert known in names


@pytest.mark.parametrize(
    ("made", "parameter", "kind"),
    SETTINGS,
    ids=[f"{made.__name__}.{parameter.name}" for made, parameter, _ in SETTINGS],
)
def test_a_wrong_value_is_an_error_that_names_the_setting(made, parameter, kind):
    for value in WRONG[kind]:
        if value is None and parameter.default is None:
            continue
        if kind == "int" and value == -2 and parameter.default is None:
            continue
        with pytest.raises(errors.SettingError, match=rf"{made.__name__}\.{parameter.name}\b"):
            make(made, **{parameter.name: value})


def make(made, **settings):
    if made.__name__ in MAKERS:
        return MAKERS[made.__name__](**settings)
    required = {
        name: REQUIRED[name]
        for name, parameter in inspect.signature(made).parameters.items()
        if parameter.default is parameter.empty and name in REQUIRED
    }
    return made(**{**required, **settings})
