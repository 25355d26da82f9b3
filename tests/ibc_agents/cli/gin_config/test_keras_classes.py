"""The settings of Keras classes that gin files configure."""

import gin
import pytest
import tensorflow as tf

from data.sources import source
from ibc_agents.cli.gin_config import configurables
from ibc_agents.core import errors, setting_checks

SETTINGS = {
    "Adam.learning_rate": (-1.0, float("nan"), float("inf"), "0.1", True, tf.keras.optimizers.Adam),
    "Adam.beta_1": (1.0, -0.1, 1.5, None),
    "AdamW.beta_2": (1.0, 2.0),
    "Adam.epsilon": (0.0, -1.0),
    "AdamW.weight_decay": (None, 1e300, -1.0),
    "Adam.clipnorm": (0.0, "1"),
    "Adam.use_ema": (1,),
    "Adam.name": ("a b", 3),
    "CosineDecay.decay_steps": (0, 20.5, True),
    "CosineDecay.warmup_target": (0.0, float("-inf")),
    "ExponentialDecay.decay_rate": (0.0,),
    "Dense.kernel_initializer": ("orthogonal_", 3, None, {"class_name": "Zeros", "config": 3}),
}
REQUIRED = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "Dense": {"units": 3},
}


@pytest.fixture(autouse=True)
def registered():
    configurables.register()


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_wrong_value_is_an_error_that_names_the_setting(setting):
    name, _, argument = setting.partition(".")
    construct = gin.get_configurable(name)
    for value in SETTINGS[setting]:
        with pytest.raises(errors.SettingError, match=rf"^{setting} must be "):
            construct(**{**REQUIRED.get(name, {}), argument: value})


def test_objects_are_of_the_classes_of_keras():
    gin.parse_config("""
        Adam.learning_rate = @CosineDecay()
        CosineDecay.initial_learning_rate = 1
        CosineDecay.decay_steps = 2e1
        Dense.bias_initializer = 'ones'
    """)
    adam = gin.get_configurable("Adam")()
    assert type(adam) is tf.keras.optimizers.Adam
    assert float(adam.learning_rate) == 1.0
    assert "Adam.beta_1 = 0.9" in gin.operative_config_str()  # a default
    dense = gin.get_configurable("Dense")(3, use_bias=True)
    assert type(dense) is tf.keras.layers.Dense
    assert dense(tf.zeros([1, 2])).numpy().tolist() == [[1.0, 1.0, 1.0]]


def test_a_class_of_keras_is_no_factory_of_other_objects():
    with pytest.raises(errors.SettingError, match="must be a factory of Source objects"):
        setting_checks.check_factory("Mine.make", gin.get_configurable("Dense"), source.Source)
    setting_checks.check_factory("Mine.make", gin.get_configurable("Dense"), tf.keras.layers.Dense)
