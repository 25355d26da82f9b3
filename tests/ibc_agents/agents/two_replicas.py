"""Trains on two logical devices and on one, and prints the results as one line of JSON."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3]))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from tests.ibc_agents import helpers  # noqa: E402


def make_batches():
    """Returns batches of 8. Their last rows, which one replica gets, end in LAST."""
    for k in range(5):
        experience = helpers.make_experience(8, 2, seed=k)
        step_type = experience.step_type.numpy()
        step_type[5:, -1] = helpers.LAST
        yield experience._replace(step_type=tf.constant(step_type))


def on_replicas(strategy, function):
    """Returns a compiled function of experience that gives each replica one half."""

    @tf.function
    def run(experience):
        return strategy.run(function, args=(experience,))

    def split(experience):
        halves = [
            tf.nest.map_structure(lambda leaf, k=k: leaf[4 * k : 4 * k + 4], experience)
            for k in range(2)
        ]
        return run(
            strategy.experimental_distribute_values_from_function(
                lambda context: halves[context.replica_id_in_sync_group]
            )
        )

    return split


def weights(agent):
    return np.concatenate([v.numpy().ravel() for v in agent._variables()]).tolist()


def counts(strategy, agent):
    variables = (agent.skipped_steps, agent.skipped_steps_in_a_row)
    return [[int(v) for v in strategy.experimental_local_results(v)] for v in variables]


def main():
    single = helpers.make_mse_agent()
    found = {"start": weights(single)}
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        mirrored = helpers.make_mse_agent()
        implicit = helpers.make_agent()
    train = on_replicas(strategy, mirrored.train)
    for experience in make_batches():
        found["single_loss"] = float(single.train(experience).loss)
        info = train(experience)
        found["replicas_loss"] = float(
            strategy.reduce(tf.distribute.ReduceOp.SUM, info.loss, axis=None)
        )
    found["single"], found["replicas"] = weights(single), weights(mirrored)

    equal_halves = tf.nest.map_structure(
        lambda leaf: tf.concat([leaf, leaf], axis=0), helpers.make_experience(4, 2)
    )
    info = on_replicas(strategy, implicit.loss)(equal_halves)
    found["counter_example_energies"] = [
        float(value)
        for value in strategy.experimental_local_results(info.extra["counter_example_energy"])
    ]

    goal = experience.observation["goal"].numpy()
    goal[1] = np.nan
    broken = {**experience.observation, "goal": tf.constant(goal)}
    found["before_skip"] = weights(mirrored)
    train(experience._replace(observation=broken))
    found["after_skip"], found["skipped"] = weights(mirrored), counts(strategy, mirrored)
    train(experience)
    found["after_recovery"], found["recovered"] = weights(mirrored), counts(strategy, mirrored)

    mirrored._update.optimizer.learning_rate.assign(np.inf)
    train(experience)
    found["after_undo"], found["undone"] = weights(mirrored), counts(strategy, mirrored)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
