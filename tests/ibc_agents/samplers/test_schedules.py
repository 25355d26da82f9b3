"""Step sizes compared with their closed forms."""

import numpy as np
import pytest

from ibc_agents import samplers


def test_published_schedule_has_its_first_last_and_intermediate_values():
    step_sizes = samplers.Polynomial()(100).numpy()
    assert step_sizes.shape == (100,) and step_sizes.dtype == np.float32
    progress = np.arange(100) / 99
    np.testing.assert_allclose(step_sizes, (0.1 - 1e-5) * (1 - progress) ** 2 + 1e-5, rtol=1e-5)
    np.testing.assert_allclose(step_sizes[[0, -1]], [0.1, 1e-5], rtol=1e-5)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_power(power):
    step_sizes = samplers.Polynomial(first=2.0, last=1.0, power=power)(5)
    expected = [1 + (1 - k / 4) ** power for k in range(5)]
    np.testing.assert_allclose(step_sizes, expected, rtol=1e-6)


def test_one_iteration_has_the_first_step_size():
    np.testing.assert_allclose(samplers.Polynomial(first=0.5)(1), [0.5])


def test_constant():
    np.testing.assert_allclose(samplers.Constant(0.25)(3), [0.25] * 3)


@pytest.mark.parametrize("name", ["first", "last", "power"])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_nonpositive_values_raise(name, value):
    with pytest.raises(
        ValueError, match=rf"Polynomial.{name} must be a number in \(0, ∞\), got {value}"
    ):
        samplers.Polynomial(**{name: value})
    with pytest.raises(ValueError, match="Constant.step_size must be a number"):
        samplers.Constant(value)
