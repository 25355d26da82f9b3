"""A replay server checks its configuration before it listens."""

import pytest

import data
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

    def make(index=0):
        cluster = cluster_lib.ClusterConfig(
            [f"localhost:{listening.free_port()}"], [], index, public=False, patience_seconds=60.0
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
