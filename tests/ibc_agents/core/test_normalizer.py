"""The normalizer."""

import re

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from ibc_agents.core import errors
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core.scaling import image_format
from tests.ibc_agents import helpers

IMAGE_SPEC = tf.TensorSpec((4, 5, 3), tf.uint8, "image")


NO_OBSERVATIONS = np.zeros([2, 1])


def build(actions, action_spec, observations=NO_OBSERVATIONS, **kwargs):
    """Returns a normalizer of one observation vector and one action vector, rows [n, size]."""
    statistics = data_statistics.Statistics(
        helpers.leaf_statistics(observations), helpers.leaf_statistics(actions)
    )
    observation_spec = tf.TensorSpec(observations.shape[1:])
    return normalizer_lib.Normalizer.from_statistics(
        statistics, observation_spec, action_spec, **kwargs
    )


@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 6), st.integers(1, 4)),
        elements=st.floats(-1000, 1000, width=32),
    ),
    st.booleans(),
)
def test_scaled_actions_round_trip_within_unit_range_and_bounds(actions, constant):
    if constant:
        actions[:, 0] = actions[0, 0]
    normalizer = build(actions, tf.TensorSpec(actions.shape[1:]))
    scaled = normalizer.scale_action(actions)
    np.testing.assert_allclose(scaled, np.clip(scaled, -1, 1), atol=1e-3)
    assert (scaled >= normalizer.bounds.low).numpy().all()
    assert (scaled <= normalizer.bounds.high).numpy().all()
    size = max(1e-3, np.abs(actions).max())
    np.testing.assert_allclose(normalizer.unscale_action(scaled), actions, atol=1e-6 * size)


@helpers.properties
@hypothesis.given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1, max_size=3),
    st.integers(0, 2**31 - 1),
)
def test_rounding_keeps_demonstrated_actions_within_tight_bounds(ranges, seed):
    low = np.array([low for low, _ in ranges], np.float32)
    high = low + np.array([width for _, width in ranges], np.float32)
    actions = np.random.default_rng(seed).uniform(low, high, (50, len(low))).astype(np.float32)
    spec = tensor_spec.BoundedTensorSpec(low.shape, tf.float32, actions.min(0), actions.max(0))
    normalizer = build(actions, spec)
    scaled = normalizer.scale_action(actions)
    assert (scaled >= normalizer.bounds.low).numpy().all()
    assert (scaled <= normalizer.bounds.high).numpy().all()


def test_bounds_are_the_widened_range_clipped_per_dimension():
    """The widths are 2, 1 and 4, so 5 % is 0.1, 0.05 and 0.2. The spec clips some sides."""
    actions = np.array([[-1.0, 0.0, 6.0], [1.0, 1.0, 10.0]])
    spec = tensor_spec.BoundedTensorSpec((3,), tf.float32, [-9, 0, 5.9], [1.02, 9, 99])
    normalizer = build(actions, spec)
    low = normalizer.unscale_action(normalizer.bounds.low)
    high = normalizer.unscale_action(normalizer.bounds.high)
    np.testing.assert_allclose(low, [-1.1, 0.0, 5.9], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(high, [1.02, 1.05, 10.2], rtol=1e-6)
    np.testing.assert_allclose(normalizer.bounds.low, [-1.1, -1.0, -1.05], rtol=1e-6)


def test_bounds_of_an_unbounded_spec_and_another_margin():
    actions = np.array([[-1.0, 5.0], [1.0, 5.0]])
    bounds = build(actions, tf.TensorSpec((2,)), margin=0.5).bounds
    np.testing.assert_allclose(bounds.low, [-2.0, 0.0])
    np.testing.assert_allclose(bounds.high, [2.0, 0.0])


def test_bounds_include_demonstrations_outside_the_spec():
    """An environment that clips actions may have demonstrations beyond its spec."""
    spec = tensor_spec.BoundedTensorSpec((1,), tf.float32, -1.0, 1.0)
    bounds = build(np.array([[-2.0], [0.5]]), spec).bounds
    np.testing.assert_allclose(bounds.low, [-1.0])


@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(3, 9), st.integers(1, 3)),
        elements=st.integers(-1000, 1000).map(lambda k: k / 8),
    )
)
def test_varying_observations_have_zero_mean_and_unit_deviation(observations):
    normalizer = build(np.zeros([2, 1]), tf.TensorSpec((1,)), observations)
    normalized = normalizer.normalize_observation(tf.constant(observations)).numpy()
    np.testing.assert_allclose(normalized.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(normalized.std(0), observations.std(0) > 1e-6, atol=1e-3)


# An offset and a unit, by dtype, whose values keep at least 10 bits of a range of width 1.
UNITS = [
    (tf.float64, 1.7e9, 1.0),  # Unix times
    (tf.float64, 5.5e6, 1.0),  # UTM northings in meters
    (tf.float64, -3.0, 1e-9),  # nanometers in meters
    (tf.float64, 0.0, 1e100),
    (tf.float64, 0.0, 1e-100),
    (tf.float32, 0.0, 1e-9),
    (tf.float32, 1e-3, 1e-6),
    (tf.float32, 0.0, 1e30),
    (tf.float32, 1000.0, 1.0),
    (tf.int64, 1.7e18, 1e9),  # nanoseconds since 1970
    (tf.int64, 0.0, 1e17),
    (tf.int32, 1e9, 1e6),
]


@pytest.mark.parametrize(("dtype", "offset", "unit"), UNITS)
@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(3, 9), st.just(1)),
        elements=st.integers(-8, 8).map(lambda k: k / 8),
        unique=True,
    )
)
def test_contract_normalized_observations_do_not_depend_on_unit_and_offset(
    dtype, offset, unit, observations
):
    plain = build(NO_OBSERVATIONS, tf.TensorSpec((1,)), observations)
    expected = plain.normalize_observation(tf.constant(observations))
    values = (offset + unit * np.float64(observations)).astype(dtype.as_numpy_dtype)
    frames = make_vector_frames(values, np.zeros([len(values), 1], np.float32))
    normalizer = normalizer_lib.Normalizer.from_dataset(
        [frames], tf.TensorSpec((1,), dtype), tf.TensorSpec((1,))
    )
    found = normalizer.normalize_observation(tf.constant(values))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("dtype", "offset", "unit"), [case for case in UNITS if case[0].is_floating]
)
def test_contract_scaled_actions_do_not_depend_on_unit_and_offset(dtype, offset, unit):
    actions = offset + unit * np.array([[-1.0], [-0.25], [0.5], [1.0]])
    actions = actions.astype(dtype.as_numpy_dtype)
    normalizer = build(actions, tf.TensorSpec((1,), dtype))
    scaled = normalizer.scale_action(actions)
    np.testing.assert_allclose(scaled[:, 0], [-1, -0.25, 0.5, 1], atol=2e-4)
    np.testing.assert_allclose(normalizer.bounds.high, [1.1], atol=2e-4)
    back = normalizer.unscale_action(scaled)
    assert back.dtype == dtype
    np.testing.assert_allclose(
        back - offset, actions - offset, atol=1e-6 * unit + 1e-7 * abs(offset)
    )


def test_contract_elements_that_do_not_vary_are_zero_for_any_value():
    """Rounding is no variation: 0.1 + 0.2 and 0.3 are neighboring numbers."""
    observations = np.array([[5.0, 0.1 + 0.2, 1.0], [5.0, 0.3, 2.0]])
    actions = np.array([[7.0, 0.0], [7.0, 1.0]])
    normalizer = normalizer_lib.Normalizer.from_dataset(
        [make_vector_frames(observations, actions)],
        tf.TensorSpec((3,), tf.float64),
        tf.TensorSpec((2,), tf.float64),
    )
    others = tf.constant([[-1e9, 0.4, 1.5], [6.0, 0.3, 1.0]], tf.float64)
    np.testing.assert_array_equal(normalizer.normalize_observation(others), [[0, 0, 0], [0, 0, -1]])
    scaled = normalizer.scale_action(np.array([[100.0, 0.5]]))
    np.testing.assert_array_equal(scaled, [[0, 0]])
    np.testing.assert_array_equal(normalizer.unscale_action(scaled), [[7, 0.5]])
    np.testing.assert_array_equal(normalizer.bounds.high - normalizer.bounds.low > 0, [False, True])
    assert normalizer.constant_elements() == {"action": [0], "observation": [0, 1]}


def test_constant_elements_are_named_by_leaf_and_images_have_none():
    frames = make_frames((6,))
    frames.observation["joints"][:, 1:] = 2.0
    frames.observation["depth"][:] = 1.0
    frames.observation["image"][:] = 0
    normalizer = normalizer_lib.Normalizer.from_dataset([frames], FRAME_SPEC, helpers.ACTION_SPEC)
    constant = {"observation/depth": [0], "observation/joints": [1, 2]}
    assert normalizer.constant_elements() == constant


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_contract_observations_are_clipped_far_outside_the_data(exponent):
    """The deviation is 4."""
    normalizer = build(
        NO_OBSERVATIONS,
        tf.TensorSpec((1,)),
        np.array([[0.0], [8.0]]),
        deviation_exponent=exponent,
    )
    limit = normalizer_lib.MAX_DEVIATIONS * 4
    inside, outside = 4 + 0.99 * limit, np.array([[1e30], [-3e38], [4 + 1.01 * limit]])
    unit = 4.0**exponent
    found = normalizer.normalize_observation(tf.constant([[inside]], tf.float32))
    np.testing.assert_allclose(found, [[(inside - 4) / unit]], rtol=1e-6)
    found = normalizer.normalize_observation(tf.constant(outside, tf.float32))
    np.testing.assert_allclose(found[:, 0], np.array([1, -1, 1]) * limit / unit, rtol=1e-6)


def test_the_most_extreme_observation_of_the_data_is_not_clipped():
    observations = np.zeros([1_000_000, 1])
    observations[7] = 1e-3
    normalizer = build(NO_OBSERVATIONS, tf.TensorSpec((1,)), observations)
    found = normalizer.normalize_observation(tf.constant([[1e-3]]))
    np.testing.assert_allclose(found, [[1000.0]], rtol=1e-3)


@pytest.mark.parametrize("part", ["observation", "action"])
@pytest.mark.parametrize(("low", "high"), [(np.nan, 1), (-1, 1e300), (-1e300, 1), (2, 1)])
def test_bounds_that_are_no_numbers_are_refused_by_element(part, low, high):
    bad = tensor_spec.BoundedTensorSpec((2,), tf.float64, [-1, low], [1, high])
    good = tf.TensorSpec((1,), tf.float64)
    values = {good: np.zeros([2, 1]), bad: np.zeros([2, 2])}
    observation, action = (bad, good) if part == "observation" else (good, bad)
    statistics = data_statistics.Statistics(
        helpers.leaf_statistics(values[observation]), helpers.leaf_statistics(values[action])
    )
    with pytest.raises(ValueError, match=rf"bounds of {part}\[1\] are"):
        normalizer_lib.Normalizer.from_statistics(statistics, observation, action)


@pytest.mark.parametrize("missing", [np.inf, np.finfo(np.float32).max, np.finfo(np.float64).max])
def test_a_half_bounded_action_keeps_its_bound(missing):
    spec = tensor_spec.BoundedTensorSpec((2,), tf.float64, [-missing, 0.0], [1.02, missing])
    bounds = build(np.array([[-1.0, 0.0], [1.0, 2.0]]), spec).bounds
    np.testing.assert_allclose(bounds.low, [-1.1, -1.0])
    np.testing.assert_allclose(bounds.high, [1.02, 1.1])


def test_actions_that_float32_cannot_scale_are_refused():
    with pytest.raises(ValueError, match="which float32 cannot scale"):
        build(np.array([[-3.4e38], [3.4e38]]), tf.TensorSpec((1,)))


def test_observations_can_be_divided_by_a_power_of_the_deviation():
    observations = np.array([[0.0, 5.0], [8.0, 5.0]])
    normalizer = build(NO_OBSERVATIONS, tf.TensorSpec((1,)), observations, deviation_exponent=0.5)
    found = normalizer.normalize_observation(tf.constant(observations, tf.float32))
    np.testing.assert_allclose(found, [[-2.0, 0.0], [2.0, 0.0]])  # the deviation is 4
    with pytest.raises(ValueError, match="deviation_exponent must be a number .*, got -1"):
        build(NO_OBSERVATIONS, tf.TensorSpec((1,)), deviation_exponent=-1)


def test_nested_action_round_trip_in_its_own_dtypes():
    spec = {
        "arm": tensor_spec.BoundedTensorSpec((2,), tf.float64, -3.0, 3.0),
        "grip": tf.TensorSpec((), tf.float32),
    }
    rng = np.random.default_rng(0)
    action = {"arm": rng.uniform(-2, 2, (20, 2)), "grip": np.float32(rng.uniform(0, 1, 20))}
    statistics = data_statistics.Statistics(
        helpers.leaf_statistics(np.zeros([2, 1])),
        {
            "arm": helpers.leaf_statistics(action["arm"]),
            "grip": helpers.leaf_statistics(action["grip"], leaf_rank=0),
        },
    )
    normalizer = normalizer_lib.Normalizer.from_statistics(statistics, tf.TensorSpec((1,)), spec)
    scaled = normalizer.scale_action(action)
    assert scaled.shape == (20, 3) and scaled.dtype == tf.float32
    back = normalizer.unscale_action(scaled)
    tf.nest.map_structure(lambda b, a: np.testing.assert_allclose(b, a, atol=1e-6), back, action)
    assert back["arm"].dtype == tf.float64 and back["grip"].dtype == tf.float32


def make_frames(leading, seed=0):
    """Returns trajectories of float64, image and scalar observations; every fifth frame is LAST."""
    rng = np.random.default_rng(seed)
    step_type = np.full(leading, helpers.MID, np.int32)
    step_type.reshape(-1)[::5] = helpers.LAST
    action = rng.uniform(-1, 1, (*leading, 2)).astype(np.float32)
    action[step_type == helpers.LAST] = 1e6
    return trajectory.Trajectory(
        step_type=step_type,
        observation={
            "depth": rng.normal(5, 3, leading).astype(np.float32),
            "image": rng.integers(0, 255, (*leading, 4, 5, 3), np.uint8),
            "joints": rng.normal(1e5, 0.5, (*leading, 3)),
        },
        action=action,
        policy_info=(),
        next_step_type=step_type,
        reward=np.zeros(leading, np.float32),
        discount=np.ones(leading, np.float32),
    )


def make_vector_frames(observations, actions):
    """Returns a trajectory of one observation vector and one action vector, rows [n, size]."""
    step_type = np.full(len(actions), helpers.MID, np.int32)
    return trajectory.Trajectory(step_type, observations, actions, (), step_type, (), ())


FRAME_SPEC = {
    "depth": tf.TensorSpec((), tf.float32),
    "image": IMAGE_SPEC,
    "joints": tf.TensorSpec((3,), tf.float64),
}


@pytest.mark.parametrize("leading", [(60,), (20, 3), (5, 4, 3)])
@pytest.mark.parametrize("paired", [False, True], ids=["trajectories", "pairs"])
def test_contract_statistics_from_dataset_equal_numpy(leading, paired):
    """For any leading dimensions; actions that were never executed are excluded."""
    frames = make_frames(leading)
    dataset = tf.data.Dataset.from_tensor_slices((frames, np.zeros(leading)))
    if not paired:
        dataset = dataset.map(lambda experience, info: experience)
    normalizer = normalizer_lib.Normalizer.from_dataset(dataset, FRAME_SPEC, helpers.ACTION_SPEC)

    observation = normalizer.normalize_observation(frames.observation)
    for key in ("depth", "joints"):
        rows = frames.observation[key].reshape(60, -1)
        expected = (rows - rows.mean(0)) / rows.std(0)
        assert observation[key].dtype == tf.float32
        # The joints are near 1e5 with deviation 0.5; they are centered in float64.
        np.testing.assert_allclose(np.reshape(observation[key], (60, -1)), expected, atol=1e-5)
    executed = frames.action[frames.step_type != helpers.LAST]
    ends = np.stack([executed.min(0), executed.max(0)])
    np.testing.assert_allclose(normalizer.scale_action(ends), [[-1, -1], [1, 1]], rtol=1e-6)


def test_images_are_unchanged():
    frames = make_frames((6,))
    normalizer = normalizer_lib.Normalizer.from_dataset([frames], FRAME_SPEC, helpers.ACTION_SPEC)
    image = normalizer.normalize_observation(frames.observation)["image"]
    assert image.dtype == tf.uint8
    np.testing.assert_array_equal(image, frames.observation["image"])


def test_contract_statistics_refuse_what_is_not_finite_and_what_is_empty():
    frames = make_frames((6,))
    frames.observation["depth"][2] = np.nan
    with pytest.raises(ValueError, match="observation/depth is NaN or infinite"):
        normalizer_lib.Normalizer.from_dataset([frames], FRAME_SPEC, helpers.ACTION_SPEC)
    with pytest.raises(ValueError, match="empty"):
        normalizer_lib.Normalizer.from_dataset([], FRAME_SPEC, helpers.ACTION_SPEC)


def test_contract_normalizer_statistics_are_variables_and_none_is_trainable():
    frames = make_frames((6,))
    normalizer = normalizer_lib.Normalizer.from_dataset([frames], FRAME_SPEC, helpers.ACTION_SPEC)
    # Center, scale and limit of two observations and the action; low and high of the action.
    assert len(normalizer.variables) == 11
    assert normalizer.trainable_variables == ()


def test_contract_normalizer_checkpoint_round_trip(tmp_path):
    def make(seed):
        return normalizer_lib.Normalizer.from_dataset(
            [make_frames((30,), seed)], FRAME_SPEC, helpers.ACTION_SPEC
        )

    saved, restored = make(0), make(1)
    path = tf.train.Checkpoint(normalizer=saved).save(str(tmp_path / "checkpoint"))
    status = tf.train.Checkpoint(normalizer=restored).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    assert len(saved.variables) == len(restored.variables) == 11
    for one, other in zip(saved.variables, restored.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(saved.bounds.low, restored.bounds.low)


def test_integer_actions_are_rejected_with_a_message():
    with pytest.raises(ValueError, match="Actions must be float vectors"):
        build(np.zeros([2, 1]), tensor_spec.BoundedTensorSpec((1,), tf.int32, 0, 3))


def test_a_negative_margin_raises():
    with pytest.raises(ValueError, match="Normalizer.margin must be a number .*, got -0.1"):
        build(np.zeros([2, 1]), tf.TensorSpec((1,)), margin=-0.1)


def test_statistics_of_a_different_shape_raise():
    with pytest.raises(ValueError, match=r"statistics have shape \(1,\), and the spec has"):
        build(np.zeros([2, 1]), tf.TensorSpec((2,)))


def image_normalizer(spec, declared=None, values=None):
    """Returns a normalizer of the leaf `camera`, by default with images of zeros."""
    values = np.zeros([2, *spec.shape], spec.dtype.as_numpy_dtype) if values is None else values
    step_type, action = np.array([0, 1], np.int32), np.array([[0.0], [1.0]], np.float32)
    frames = trajectory.Trajectory(step_type, {"camera": values}, action, (), (), (), ())
    return normalizer_lib.Normalizer.from_dataset(
        [frames],
        {"camera": spec},
        tf.TensorSpec([1], tf.float32),
        image_formats=declared and {"observation/camera": declared},
    )


@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        (lambda image: image, None),
        (lambda image: image.transpose(0, 3, 1, 2), None),
        (lambda image: image.transpose(0, 3, 1, 2), image_format.ImageFormat("CHW")),
        (lambda image: image[:, None], image_format.ImageFormat("KHWC")),
        (lambda image: (image / 255).astype(np.float32), image_format.ImageFormat(white=1.0)),
        (lambda image: image.astype(np.uint16) * 257, image_format.ImageFormat(white=65535)),
    ],
)
def test_contract_images_of_any_format_become_uint8_with_channels_last(stored, declared):
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), np.uint8)
    values = stored(image)
    spec = tf.TensorSpec(values.shape[1:], values.dtype)
    normalizer = image_normalizer(spec, declared, values[:2])
    found = normalizer.normalize_observation({"camera": values})["camera"]
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("shape", [(9, 84, 84), (2, 64, 64), (12, 8, 8)])
def test_contract_images_whose_shape_is_not_clear_are_named(shape):
    spec = tf.TensorSpec(shape, tf.uint8)
    problem = (
        f"image observation/camera \\(uint8 {re.escape(str(list(shape)))}\\) does not show which "
        "axis has the channels. Set Normalizer.image_formats"
    )
    with pytest.raises(errors.ObservationError, match=problem):
        image_normalizer(spec)
    image_normalizer(spec, image_format.ImageFormat("CHW"))


@pytest.mark.parametrize(
    ("shape", "dtype", "declared", "problem"),
    [
        ((6, 8), tf.uint8, ("HWC",), "a letter for each axis of observation/camera .uint8 .6, 8.."),
        (
            (6, 8),
            tf.uint16,
            ("HW",),
            "white must be set to the value of observation/camera .uint16",
        ),
        ((6, 8), tf.float32, ("HW", 1.0, 2.0), "the mean of observation/camera .* is 0. Set the"),
        ((6, 8), tf.uint8, None, "each of Normalizer.image_formats .observation/camera. must be"),
    ],
)
def test_wrong_image_formats_are_named(shape, dtype, declared, problem):
    declared = "HW" if declared is None else image_format.ImageFormat(*declared)
    with pytest.raises(errors.SettingError, match=problem):
        image_normalizer(tf.TensorSpec(shape, dtype), declared)


@pytest.mark.parametrize(
    ("shape", "dtype", "declared", "described"),
    [
        ((3, 20, 24), tf.float32, None, ("observation/camera (float32 [3, 20, 24])",)),
        ((20, 24), tf.uint8, None, ("observation/camera (uint8 [20, 24])",)),
        ((20, 24), tf.uint8, image_format.ImageFormat("HW"), ()),
        ((3, 20, 24), tf.uint8, None, ()),
        ((480,), tf.float32, None, ()),
        ((4, 4), tf.float32, None, ()),
    ],
)
def test_arrays_that_can_be_images_are_listed(shape, dtype, declared, described):
    normalizer = image_normalizer(tf.TensorSpec(shape, dtype), declared)
    assert normalizer.possible_images == described


def test_an_image_format_of_an_unknown_leaf_is_named():
    with pytest.raises(errors.SettingError, match="has the path 'rgb', but the observation consi"):
        normalizer_lib.Normalizer.from_statistics(
            data_statistics.Statistics({"camera": None}, helpers.leaf_statistics(np.eye(2))),
            {"camera": tf.TensorSpec([6, 8, 3], tf.uint8)},
            tf.TensorSpec([2], tf.float32),
            image_formats={"rgb": image_format.ImageFormat()},
        )


@pytest.mark.parametrize("formats", [True, [1], "observation", {1: 2}])
def test_image_formats_are_a_dictionary_of_paths(formats):
    with pytest.raises(ValueError, match="^Normalizer.image_formats must be a dictionary of paths"):
        build(np.zeros([2, 1]), tf.TensorSpec((1,)), image_formats=formats)
