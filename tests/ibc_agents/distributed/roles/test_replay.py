"""A replay server checks its configuration before it listens."""

import pytest

import data
from data.sources import server_port
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import agents
from ibc_agents.core import errors
from ibc_agents.distributed.processes import cluster as cluster_lib
from ibc_agents.distributed.roles import replay, role_context
from ibc_agents.runs import experiment as experiment_lib
from ibc_agents.runs import settings
from ibc_agents.runs import task as task_lib
from tests.data.sources import listening
from tests.ibc_agents.distributed import fake_process


@pytest.fixture
def make_context(tmp_path):
    """A function that makes the context of a replay server for an agent that memorizes."""
    experiment = experiment_lib.Experiment(
        root_dir=tmp_path / "run",
        data_dir=tmp_path / "data",
        agent=agents.NearestNeighborAgent,
        source=data.InMemorySource(),
        task=task_lib.Task(ParticleEnvironment, ParticleDemonstrator),
        demonstrations=settings.DemonstrationSettings(num_episodes=4, num_processes=1),
    )

    def make(index=0, port=None):
        address = f"localhost:{port or listening.free_port()}"
        cluster = cluster_lib.ClusterConfig(
            [address], [], index, public=False, patience_seconds=60.0
        )
        return role_context.RoleContext(experiment, fake_process.FakeProcess(), cluster)

    return make


def test_rejects_agents_that_memorize(make_context):
    expected = "NearestNeighborAgent stores the demonstrations .* python -m ibc_agents.train"
    with pytest.raises(errors.RunError, match=expected):
        replay.run(make_context())


def test_requires_an_address_for_its_index(make_context):
    with pytest.raises(errors.RunError, match="--index=1 requires at least 2 addresses .* got 1"):
        replay.run(make_context(index=1))


def test_two_replay_servers_of_one_address_are_an_error_before_the_data_are_read(make_context):
    """The server of another job may still read its data."""
    other = server_port.ServerPort()
    context = make_context(port=other.number)
    with pytest.raises(errors.RunError, match=f"on port {other.number} .*another job"):
        replay.run(context)
    assert not context.experiment.data_dir.exists()
    other.close()
