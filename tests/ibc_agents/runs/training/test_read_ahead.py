"""Batches are fetched during the previous step."""

import itertools
import json
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.runs.training import read_ahead

_PATIENCE_SECONDS = 20


def _counted() -> tf.data.Dataset:
    return tf.data.Dataset.counter().map(
        lambda n: {"frame": tf.fill([3], n), "name": tf.constant("0")}
    )


def test_batches_come_in_order_within_a_graph_and_from_call_to_call():
    batches = read_ahead.ReadAhead(iter(_counted()))

    @tf.function
    def take(count):
        taken = tf.TensorArray(tf.int64, count)
        for i in tf.range(count):
            taken = taken.write(i, next(batches)["frame"])
        return taken.stack()

    seen = [take(tf.constant(count)).numpy() for count in (1, 4, 2)]
    np.testing.assert_array_equal(np.concatenate(seen)[:, 0], range(7))


def test_batches_keep_their_structure():
    batches = read_ahead.ReadAhead(iter(_counted()))
    first, second = itertools.islice(batches, 2)
    assert first["name"].numpy() == second["name"].numpy() == b"0"
    np.testing.assert_array_equal(first["frame"], [0, 0, 0])
    np.testing.assert_array_equal(second["frame"], [1, 1, 1])


def test_the_next_batch_is_fetched_during_a_step():
    """Each step waits until the next batch has been made."""
    made = [threading.Event() for _ in range(8)]

    def make(n):
        made[n].set()
        return n

    def step(n):
        return made[n + 1].wait(_PATIENCE_SECONDS)

    dataset = tf.data.Dataset.range(8).map(lambda n: tf.numpy_function(make, [n], tf.int64))
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False
    batches = read_ahead.ReadAhead(iter(dataset.with_options(options)))
    finished = tf.Variable(0)

    @tf.function
    def take(count):
        for _ in tf.range(count):
            if tf.numpy_function(step, [next(batches)], tf.bool):
                finished.assign_add(1)

    take(tf.constant(6))
    assert finished.numpy() == 6


def test_errors_during_fetching_are_raised():
    dataset = tf.data.Dataset.from_tensor_slices([1.0, 2.0, np.nan])
    batches = read_ahead.ReadAhead(iter(dataset.map(lambda x: tf.debugging.check_numerics(x, "x"))))
    assert next(batches).numpy() == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="x : Tensor had NaN"):
        next(batches)


def test_an_empty_dataset_raises():
    with pytest.raises(StopIteration):
        read_ahead.ReadAhead(iter(tf.data.Dataset.range(0)))


def test_each_replica_has_batches_of_its_own():
    script = pathlib.Path(__file__).parent / "read_ahead_on_two_devices.py"
    process = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == [[[0, 1]], [[2, 3], [4, 5], [6, 7]]]
