"""Random shifts: what moves, how far, and that the shifts follow from a checkpointed state."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks

PIXELS = 2
IMAGES = np.random.default_rng(0).integers(-9, 9, [40, 6, 7, 4]).astype(np.float32)


def make(seed=0, pixels=PIXELS):
    tf.keras.utils.set_random_seed(seed)
    layer = networks.RandomShift(pixels)
    layer.build(IMAGES.shape)
    return layer


def shifted(image, down, right):
    """By NumPy: padded with its edges, then cut out."""
    padded = np.pad(image, [(PIXELS, PIXELS), (PIXELS, PIXELS), (0, 0)], mode="edge")
    height, width, _ = image.shape
    top, left = PIXELS - down, PIXELS - right
    return padded[top : top + height, left : left + width]


def found_shifts(outputs):
    """The shift of each row [B, 2], which must be one that makes the output of the input."""
    steps = range(-PIXELS, PIXELS + 1)
    shifts = []
    for image, output in zip(IMAGES, outputs, strict=True):
        (shift,) = [
            (down, right)
            for down in steps
            for right in steps
            if np.array_equal(shifted(image, down, right), output)
        ]
        shifts.append(shift)
    return np.array(shifts)


def test_each_image_moves_as_a_whole_by_a_shift_of_its_own():
    """All its channels, which are frames and cameras, by the same whole pixels; edges repeat."""
    layer = make()
    shifts = np.concatenate([found_shifts(layer(IMAGES, training=True)) for _ in range(10)])
    # 400 draws of 25 shifts: the chance that one is missing is 25 · (24/25)^400 < 3e-6.
    assert len(np.unique(shifts, axis=0)) == (2 * PIXELS + 1) ** 2
    # Five standard deviations of a mean of 400 uniform draws from −2 … 2.
    assert np.abs(shifts.mean(axis=0)).max() < 5 * np.sqrt(2 / 400)


@pytest.mark.parametrize("training", [False, None])
def test_is_the_identity_without_training(training):
    layer = make()
    before = layer.variables[0].numpy()
    np.testing.assert_array_equal(layer(IMAGES, training=training), IMAGES)
    np.testing.assert_array_equal(layer.variables[0], before)


def test_compiled_calls_keep_the_static_shape_and_draw_anew():
    layer, expected = make(), make()
    compiled = tf.function(lambda image: layer(image, training=True), autograph=False)
    signature = tf.TensorSpec([None, *IMAGES.shape[1:]])
    assert compiled.get_concrete_function(signature).output_shapes.as_list()[1:] == [6, 7, 4]
    for _ in range(3):
        np.testing.assert_array_equal(compiled(IMAGES), expected(IMAGES, training=True))


def test_equal_seeds_give_equal_shifts_and_no_two_calls_the_same():
    calls = [[layer(IMAGES, training=True).numpy() for _ in range(3)] for layer in (make(), make())]
    np.testing.assert_array_equal(*calls)
    other = make(seed=1)(IMAGES, training=True).numpy()
    assert len(np.unique(np.stack([*calls[0], other]).reshape(4, -1), axis=0)) == 4


def test_a_checkpoint_holds_what_the_next_shifts_follow_from(tmp_path):
    layer = make()
    layer(IMAGES, training=True)
    path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "checkpoint"))
    other = make(seed=1)
    status = tf.train.Checkpoint(layer=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    for _ in range(2):
        np.testing.assert_array_equal(layer(IMAGES, training=True), other(IMAGES, training=True))


def test_the_state_is_not_trained():
    assert not make().trainable_variables and len(make().non_trainable_variables) == 1


@pytest.mark.parametrize("pixels", [0, -1])
def test_a_shift_that_is_none_raises(pixels):
    with pytest.raises(ValueError, match=f"at least 1 pixel, got {pixels}"):
        networks.RandomShift(pixels)
