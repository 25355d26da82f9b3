"""Trains agents with dropout and spectral norm on two logical devices; prints a line of JSON."""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[3]))

import tensorflow as tf  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from ibc_agents import agents, losses, networks, samplers  # noqa: E402
from ibc_agents.networks.layers import dropout  # noqa: E402
from tests.ibc_agents import helpers  # noqa: E402


def make_spectral():
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=8, depth=2, dense=networks.SpectralNormDense)
    return helpers.make_agent(
        energy_network=network,
        counter_examples=agents.CounterExamples(number=2, sampler=samplers.Langevin(2)),
        gradient_penalty=losses.GradientPenalty(),
    )


def make_dropped():
    tf.keras.utils.set_random_seed(0)
    network = networks.MlpEnergyNetwork(width=8, depth=2, dropout_rate=0.5)
    return helpers.make_agent(energy_network=network)


def values(strategy, variables):
    """Returns one list per replica."""
    copies = [strategy.experimental_local_results(variable) for variable in variables]
    return [[copy[k].numpy().tolist() for copy in copies] for k in range(2)]


def main():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        agents = {"spectral": make_spectral(), "dropout": make_dropped()}
        layer = dropout.Dropout(0.5)
        layer.build([None, 32])

    @tf.function
    def train(agent, experience):
        return strategy.run(agent.train, args=(experience,))

    @tf.function
    def masks():
        return strategy.run(lambda: layer(tf.ones([32]), training=True))

    found = {}
    for name, agent in agents.items():
        network = agent.energy_network
        found[name] = {"start": values(strategy, network.non_trainable_variables)}
        for k in range(3):
            train(agent, helpers.make_experience(4, 2, seed=k))
        found[name]["weights"] = values(strategy, network.trainable_variables)
        found[name]["state"] = values(strategy, network.non_trainable_variables)
        found[name]["skipped"] = int(agent.skipped_steps.numpy())
        with tempfile.TemporaryDirectory() as folder:
            path = tf.train.Checkpoint(agent=agent).save(f"{folder}/checkpoint")
            restored = {"spectral": make_spectral, "dropout": make_dropped}[name]()
            status = tf.train.Checkpoint(agent=restored).restore(path)
            status.assert_existing_objects_matched().assert_consumed()
        found[name]["restored"] = [
            variable.numpy().tolist()
            for variable in restored.energy_network.non_trainable_variables
        ]
    found["masks"] = [
        [copy.numpy().tolist() for copy in strategy.experimental_local_results(masks())]
        for _ in range(2)
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
