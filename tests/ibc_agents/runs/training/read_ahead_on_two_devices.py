"""Reads ahead on two logical devices, and prints the batches of each as one line of JSON."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[4]))

import tensorflow as tf  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from ibc_agents.runs.training import read_ahead  # noqa: E402


def main():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    dataset = strategy.distribute_datasets_from_function(
        lambda _: tf.data.Dataset.counter().apply(endless)
    )
    batches = read_ahead.ReadAhead(iter(dataset))

    @tf.function
    def take(count):
        taken = tf.TensorArray(tf.int64, count)
        for i in tf.range(count):
            on_each = strategy.run(tf.identity, args=(next(batches),))
            taken = taken.write(i, tf.stack(strategy.experimental_local_results(on_each)))
        return taken.stack()

    print(json.dumps([take(tf.constant(count)).numpy().tolist() for count in (1, 3)]))


if __name__ == "__main__":
    main()
