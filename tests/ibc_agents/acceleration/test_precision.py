"""Convolutions in bfloat16: near to float32's, with weights that stay float32."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.acceleration import machine, precision
from tests.ibc_agents import helpers

IMAGE = tf.constant(np.random.default_rng(0).normal(size=[2, 12, 16, 3]), tf.float32)
# bfloat16 keeps 8 bits of a number. Each of a few layers rounds; where that turns a ReLU or the
# choice of a max-pool, a gradient goes elsewhere.
VALUES_TOLERANCE, GRADIENTS_TOLERANCE = 0.03, 0.15


def values_and_gradients(layer):
    with tf.GradientTape() as tape:
        values = layer(IMAGE)
        loss = tf.reduce_mean(tf.cast(values, tf.float32) ** 2)
    return [values, *tape.gradient(loss, layer.trainable_variables)]


def distance(one, other):
    """Relative to the first."""
    one, other = (tf.cast(tensor, tf.float32) for tensor in (one, other))
    return float(tf.norm(one - other) / tf.norm(one))


@pytest.mark.parametrize(
    "make", [networks.ConvMaxPool, networks.ConvStrided, networks.ConvResNet], ids=str
)
def test_bfloat16_agrees_with_float32_within_its_precision(make):
    tf.keras.utils.set_random_seed(0)
    plain, mixed = make((8, 8, 8)), make((8, 8, 8), dtype="mixed_bfloat16")
    plain(IMAGE), mixed(IMAGE)
    assert {variable.dtype for variable in mixed.variables} == {tf.float32}
    mixed.set_weights(plain.get_weights())
    expected, found = values_and_gradients(plain), values_and_gradients(mixed)
    assert expected[0].dtype == tf.float32 and found[0].dtype == tf.bfloat16
    assert 0 < distance(expected[0], found[0]) < VALUES_TOLERANCE
    for gradient, of_mixed in zip(expected[1:], found[1:], strict=True):
        assert of_mixed.dtype == tf.float32
        assert distance(gradient, of_mixed) < GRADIENTS_TOLERANCE


def test_layers_behind_the_convolutions_are_float32():
    """Coordinates need more than the eight bits of bfloat16."""
    convolutions = networks.ConvStrided(dtype="mixed_bfloat16")
    encoder = networks.PixelEncoder([convolutions, networks.SpatialSoftArgmax()])
    frames = np.random.default_rng(0).integers(0, 256, [2, 1, 12, 16, 3])
    code = encoder(tf.constant(frames, tf.uint8)).numpy()
    assert code.dtype == np.float32
    assert not np.array_equal(code, tf.cast(tf.cast(code, tf.bfloat16), tf.float32))


@pytest.mark.parametrize(
    ("speedup", "expected"), [(0.1, "float32"), (1.1, "float32"), (2.0, "mixed_bfloat16")]
)
def test_the_faster_precision_is_bfloat16_only_where_clearly_faster(monkeypatch, speedup, expected):
    monkeypatch.setattr(precision, "bfloat16_speedup", lambda: speedup)
    layer = networks.ConvStrided(dtype=networks.FasterPrecision())
    assert layer.dtype_policy.name == expected
    layer(IMAGE)
    assert {variable.dtype for variable in layer.variables} == {tf.float32}


@pytest.mark.parametrize(
    ("speedup", "expected"), [(0.1, "float32"), (1.1, "float32"), (2.0, "bfloat16")]
)
def test_an_energys_products_are_in_bfloat16_only_where_clearly_faster(
    monkeypatch, speedup, expected
):
    monkeypatch.setattr(precision, "bfloat16_product_speedup", lambda: speedup)
    assert networks.FasterProductPrecision().compute_dtype == expected
    gin.parse_config("MlpEnergyNetwork.precision = @FasterProductPrecision()")
    assert networks.MlpEnergyNetwork(8)._blocks._product_dtype == expected


@pytest.mark.parametrize("head", [None, networks.SoftMinimum(units=4)], ids=["linear", "basins"])
def test_an_energy_with_products_in_bfloat16_is_near_to_float32s(head):
    """In the energies, their slopes, and the derivatives of both by every weight."""
    experience = helpers.make_experience(4, 1)
    actions = tf.random.stateless_uniform([4, 16, 2], [1, 2], -1.0, 1.0)

    def numbers(dtype):
        tf.keras.utils.set_random_seed(0)
        network = networks.MlpEnergyNetwork(32, 4, head=head, precision=dtype)
        network((experience.observation, actions))
        assert {variable.dtype for variable in network.variables} == {tf.float32}
        with tf.GradientTape() as tape:
            code = network.encode(experience.observation)
            energies, slopes = network.energy_and_gradient(code, actions)
            loss = tf.reduce_sum(tf.nn.softmax(-energies)[:, 0]) + tf.reduce_sum(slopes**2)
        np.testing.assert_array_equal(network.energy(code, actions), energies)
        return energies, slopes, *tape.gradient(loss, network.trainable_variables)

    plain, mixed = numbers("float32"), numbers("mixed_bfloat16")
    assert 0 < distance(plain[0], mixed[0]) < VALUES_TOLERANCE
    for expected, found in zip(plain[1:], mixed[1:], strict=True):
        assert found.dtype == tf.float32
        if tf.norm(expected) > 1e-5:  # the last bias changes nothing
            assert distance(expected, found) < GRADIENTS_TOLERANCE


def test_products_in_bfloat16_are_refused_where_layers_are_not_plain():
    with pytest.raises(ValueError, match="Products in bfloat16 need linear dense layers"):
        networks.MlpEnergyNetwork(layer_norm=True, precision="mixed_bfloat16")


@pytest.mark.parametrize(
    "measured", [precision.bfloat16_speedup, precision.bfloat16_product_speedup]
)
def test_this_machine_is_measured_once(monkeypatch, tmp_path, measured):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine.speedup.cache_clear()
    first = measured()
    assert 0 < first < np.inf
    machine.speedup.cache_clear()  # as in another process
    monkeypatch.setattr(machine, "_measure", lambda *_: pytest.fail("measured again"))
    assert measured() == first
    machine.speedup.cache_clear()
