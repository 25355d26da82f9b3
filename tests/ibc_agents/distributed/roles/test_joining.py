"""A replay server that is gone is noticed; one of another job is not taken for the same."""

import contextlib
import dataclasses
import socket

import pytest
import reverb
import tensorflow as tf

import data
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents import agents, networks
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import contact, job, messages, tables
from ibc_agents.distributed.processes import placement
from ibc_agents.distributed.roles import joining
from ibc_agents.runs import dataset_info, experiment, settings
from ibc_agents.runs import task as task_lib
from tests.ibc_agents.distributed import fake_process

# A process that gives up ends; a fake one's thread does, with an exception.
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
def configured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joining")
    return experiment.Experiment(
        root_dir=folder / "run",
        data_dir=folder / "data",
        agent=make_agent,
        source=data.InMemorySource(),
        task=task_lib.Task(ParticleEnvironment, ParticleDemonstrator),
        demonstrations=settings.DemonstrationSettings(num_episodes=4),
    )


@pytest.fixture(scope="module")
def served(configured):
    """The job that a replay server of this configuration tells."""
    card = dataset_info.describe(configured.open_demonstrations())
    return job.of(card, configured.demonstrations, configured.build_agent(card))


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve(port):
    """Starts a server that tells a job; stops it when told so, or at the end."""
    servers = []

    def start(told=None):
        board = messages.Board.table(tables.JOB)
        servers.append(reverb.Server([board], port=port))
        if told is not None:
            messages.Board(f"localhost:{port}", tables.JOB).put(told.to_message())

    def stop():
        servers.pop().stop()

    yield start, stop
    while servers:
        stop()


@pytest.fixture
def join(configured, port):
    """Joins the job at the port; leaves it in the end."""
    with contextlib.ExitStack() as stack:

        def enter():
            process = fake_process.FakeProcess()
            addresses = [f"localhost:{port}"]
            place = placement.Placement(addresses, [], 0, public=False, patience_seconds=60.0)
            member = joining.join(configured, process, place)
            return stack.enter_context(contextlib.closing(member)), process

        yield enter


def test_a_member_has_the_jobs_agent_without_the_dataset(configured, served, serve, join):
    start, _ = serve
    start(served)
    member, process = join()
    assert member.job.identity == served.identity
    assert f"dataset {served.card.dataset_hash[:12]}" in process.lines[-1]
    expected = configured.make_agent(configured.open_demonstrations()).normalizer.variables
    for ours, theirs in zip(member.agent.normalizer.variables, expected, strict=True):
        assert ours.numpy().tolist() == theirs.numpy().tolist()


def test_a_server_that_goes_is_said_within_five_seconds_and_waited_for(served, serve, join):
    start, stop = serve
    start(served)
    member, process = join()
    process.health.ready = True
    assert process.health.report()["ready"]
    stop()
    process.wait_for_line("does not answer; waiting for it, at most 60 s", within_seconds=5)
    assert member.hub.sizes is None
    assert not process.health.report()["ready"]
    start(served)
    process.wait_for_line("answers again, after", within_seconds=30)
    member.hub.wait_for(lambda sizes: sizes[tables.JOB] == 1)
    member.close()
    assert process.health.report()["ready"]
    assert not process.given_up.is_set()


def test_a_server_of_another_job_in_its_place_ends_the_process(served, serve, join):
    start, stop = serve
    start(served)
    _, process = join()
    stop()
    process.wait_for_line("does not answer", within_seconds=5)
    card = dataclasses.replace(served.card, dataset_hash="cd" * 32)
    start(dataclasses.replace(served, card=card))
    assert process.given_up.wait(30)
    assert "was replaced by one of another job" in process.sentence


def test_a_server_that_does_not_come_is_given_up(port):
    process = fake_process.FakeProcess()
    server = contact.Contact(f"localhost:{port}", process, patience_seconds=1.0)
    assert process.given_up.wait(10)
    server.close()
    assert process.sentence.startswith(f"The replay server localhost:{port} has not answered for")
    assert server.sizes is None


def test_demonstrations_that_are_still_loaded_are_waited_for(served, serve, port):
    start, _ = serve
    start()
    process = fake_process.FakeProcess()
    server = contact.Contact(f"localhost:{port}", process, patience_seconds=60.0)
    with contextlib.closing(server):
        server.wait_for(lambda sizes: tables.JOB in sizes)
        assert server.sizes == {tables.JOB: 0}
        messages.Board(f"localhost:{port}", tables.JOB).put(served.to_message())
        server.wait_for(lambda sizes: sizes[tables.JOB] == 1)


def test_a_server_that_is_none_of_ours_is_refused(port, join):
    server = reverb.Server([reverb.Table.queue("theirs", 10)], port=port)
    with pytest.raises(errors.RunError, match=f"localhost:{port} is a Reverb server, but none of"):
        join()
    server.stop()


def test_a_job_of_another_configuration_is_refused(served, serve, join):
    start, _ = serve
    start(dataclasses.replace(served, window=2))
    with pytest.raises(errors.RunError, match="its agent sees 2 frames, and the one configured"):
        join()
