"""Outages of a replay server are detected, and servers of other jobs are rejected."""

import contextlib
import dataclasses
import threading

import pytest
import reverb
import tensorflow as tf

import data
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import agents, networks
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import channels, job_configuration, job_spec, tables
from ibc_agents.distributed.processes import cluster as cluster_lib
from ibc_agents.distributed.roles import membership, role_context
from ibc_agents.runs import dataset_info as dataset_info_lib
from ibc_agents.runs import experiment as experiment_lib
from ibc_agents.runs import settings
from ibc_agents.runs import task as task_lib
from tests.data.sources import listening
from tests.ibc_agents.distributed import fake_process

# `abort` exits a real process. That of a fake one raises an exception in its thread.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def make_agent(time_step_spec, action_spec, **kwargs):
    return agents.MseAgent(
        time_step_spec,
        action_spec,
        encoder=networks.MlpEncoder(width=8, depth=2),
        optimizer=tf.keras.optimizers.Adam(1e-3),
        window=1,
        **kwargs,
    )


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("membership")
    return experiment_lib.Experiment(
        root_dir=folder / "run",
        data_dir=folder / "data",
        agent=make_agent,
        source=data.InMemorySource(),
        task=task_lib.Task(ParticleEnvironment, ParticleDemonstrator),
        demonstrations=settings.DemonstrationSettings(num_episodes=4),
    )


@pytest.fixture(scope="module")
def served(experiment):
    """The job of a replay server with this experiment."""
    dataset_info = dataset_info_lib.DatasetInfo.from_dataset(experiment.open_demonstrations())
    agent = experiment.build_agent(dataset_info)
    configuration = job_configuration.describe(experiment)
    return job_spec.JobSpec.from_agent(agent, dataset_info, configuration, "ef" * 16)


@pytest.fixture
def port():
    return listening.free_port()


@pytest.fixture
def serve(port):
    """Functions that start a server, which publishes a job, and stop it."""
    servers = []

    def start(job=None):
        table = channels.Broadcast.table(tables.JOB)
        servers.append(reverb.Server([table], port=port))
        if job is not None:
            channels.Broadcast(f"localhost:{port}", tables.JOB).send(job.to_message())

    def stop():
        servers.pop().stop()

    yield start, stop
    while servers:
        stop()


@pytest.fixture
def join(experiment, port):
    """A function that joins the job at the port until the end of the test."""
    with contextlib.ExitStack() as stack:

        def enter():
            process = fake_process.FakeProcess()
            addresses = [f"localhost:{port}"]
            cluster = cluster_lib.ClusterConfig(
                addresses, [], 0, public=False, patience_seconds=60.0
            )
            context = role_context.RoleContext(experiment, process, cluster)
            return stack.enter_context(contextlib.closing(membership.join(context))), process

        yield enter


def test_a_member_has_the_agent_without_the_dataset(experiment, served, serve, join):
    start, _ = serve
    start(served)
    member, process = join()
    assert member.job.identity == served.identity
    assert f"dataset {served.dataset_info.dataset_hash[:12]}" in process.lines[-1]
    agent = experiment.make_agent(experiment.open_demonstrations())
    expected = agent.normalizer.variables
    for ours, theirs in zip(member.agent.normalizer.variables, expected, strict=True):
        assert ours.numpy().tolist() == theirs.numpy().tolist()


def test_logs_an_outage_and_waits(served, serve, join):
    start, stop = serve
    start(served)
    member, process = join()
    process.health.ready = True
    assert process.health.report().ready
    stop()
    process.wait_for_line("does not answer; waiting for at most 60 s")
    assert member.primary.table_sizes is None
    assert not process.health.report().ready
    start(served)
    process.wait_for_line("answers again after")
    member.primary.wait_until(lambda sizes: sizes[tables.JOB] == 1)
    member.close()
    assert process.health.report().ready
    assert not process.aborted.is_set()


def test_a_start_before_the_server_is_no_outage(served, serve, join):
    start, _ = serve
    threading.Timer(2.0, start, [served]).start()
    _, process = join()
    assert process.lines[0].startswith("waiting for at most 60 s for the replay server")
    assert not [line for line in process.lines if "does not answer" in line]


def test_aborts_if_a_server_of_another_job_takes_the_address(served, serve, join):
    """The other job differs in its folder alone."""
    start, stop = serve
    start(served)
    _, process = join()
    stop()
    process.wait_for_line("does not answer")
    start(dataclasses.replace(served, job_id="ab" * 16))
    assert process.aborted.wait(300)
    assert "now serves another job" in process.abort_message


def test_rejects_a_reverb_server_without_a_job(port, join):
    server = reverb.Server([reverb.Table.queue("theirs", 10)], port=port)
    with pytest.raises(errors.RunError, match=f"localhost:{port} does not belong to a job"):
        join()
    server.stop()


def test_rejects_a_job_with_another_configuration(served, serve, join):
    start, _ = serve
    start(dataclasses.replace(served, window=2))
    with pytest.raises(errors.RunError, match="its window is 2, the one of this process is 1"):
        join()
