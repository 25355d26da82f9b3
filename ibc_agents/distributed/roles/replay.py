"""The replay server: it holds what is learned from, and the messages between the others."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import pathlib
import shutil
import time

import reverb
from tf_agents.trajectories import trajectory

from data.sources import demonstrations, replay_server
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors
from ibc_agents.core import files as files_lib
from ibc_agents.distributed.messaging import (
    contact,
    episode_messages,
    job,
    messages,
    protocol,
    tables,
)
from ibc_agents.distributed.processes import listening, placement, role_process, run_files
from ibc_agents.distributed.roles import gathered, held_out_batches, joining
from ibc_agents.runs import dataset_info, experiment, validation

_SECONDS_BETWEEN_LOOKS = 0.5
# For evaluators to read that the job has ended.
_FAREWELL_SECONDS = 5.0


def run(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
) -> None:
    """Serves until the job has ended.

    The first of several collects the demonstrations if they are not there; the others wait for it,
    for they may share its disk.

    Args:
        configured: what the job is.
        process: this one.
        place: of this process in the job; all replay servers hold equal shares of the episodes.

    Raises:
        RunError, data.DataError: if something is wrong that the user can mend.
        Stopped: this process is to stop.
    """
    addresses, index = place.replay_addresses, place.index
    if index >= len(addresses):
        raise errors.RunError(f"--index={index} needs {index + 1} addresses in --replay_address.")
    port = listening.port_of(addresses[index])
    share = job.Share(index, len(addresses))
    listening.check_free(port)
    first = _first_job(addresses[0], process, place.patience_seconds) if index else None
    opened = configured.open_demonstrations()
    process.stop.check()
    card = dataset_info.describe(opened)
    agent = configured.build_agent(card)
    _check_learns_by_gradients(agent)
    served = dataclasses.replace(job.of(card, configured.demonstrations, agent), share=share)
    if first is not None and first.identity != served.identity:
        raise errors.RunError(f"The replay server {addresses[0]} is one of another job.")
    files = run_files.RunFiles(configured.root_dir)
    checkpoints = _own_folder(files, served)
    server = reverb.Server(
        tables.of(agent.policy), port, reverb.checkpointers.DefaultCheckpointer(str(checkpoints))
    )
    if not place.public:
        listening.keep_local(port)
    local = f"localhost:{port}"
    process.say(
        f"listening at port {port} of {'all addresses' if place.public else 'this machine'}"
    )
    replay, window = replay_server.ReplayServer(local, card.spec), agent.train_sequence_length
    _load(opened, share, window, replay, local, process)
    gathering = gathered.GatheredEpisodes(
        files.gathered, share, card.spec, replay, window, configured.gathering.num_episodes
    )
    if len(gathering):
        process.say(f"loaded {len(gathering)} gathered episodes")
    batches = validation.batches(opened, window, configured.training.batch_size)
    if batches:
        messages.Board(local, tables.HELD_OUT).put(held_out_batches.to_message(batches))
    messages.Board(local, tables.JOB).put(served.to_message())
    process.health.ready = True
    process.say(f"ready: {card.name}, dataset {card.dataset_hash[:12]}, job {served.identity[:12]}")
    try:
        _serve(local, gathering, card.spec, process)
    finally:
        gathering.flush()
        server.stop()


def _first_job(address: str, process: role_process.RoleProcess, patience_seconds: float) -> job.Job:
    with contextlib.closing(contact.Contact(address, process, patience_seconds)) as server:
        return joining.first_job(server, process)


def _load(
    opened: demonstrations.Demonstrations,
    share: job.Share,
    window: int,
    server: replay_server.ReplayServer,
    local: str,
    process: role_process.RoleProcess,
) -> None:
    """Makes sure that the server holds its share, and that a checkpoint does."""
    was_restored = server.is_filled
    train: replay_server.Episodes = opened.train
    if share.count > 1:
        train = list(itertools.islice(opened.train, share.index, None, share.count))
    if not len(train):
        raise errors.RunError(f"There are fewer demonstrations than {share.count} replay servers.")
    started = time.perf_counter()
    server.fill(train, window)
    seconds = time.perf_counter() - started
    if was_restored:
        process.say(f"restored {len(train)} demonstrations from its own checkpoint")
        return
    process.say(
        f"loaded {replay_server.num_windows(train)} transitions of {len(train)} demonstrations in "
        f"{seconds:.1f} s"
    )
    try:
        reverb.Client(local).checkpoint()
    except RuntimeError as error:  # of Reverb
        reason = str(error).partition("\n")[0]
        process.say(f"goes on without a checkpoint, for it cannot be written ({reason})")


def _serve(
    local: str,
    gathering: gathered.GatheredEpisodes,
    spec: trajectory.Trajectory,
    process: role_process.RoleProcess,
) -> None:
    """Takes what actors send, until the learner has announced the end."""
    orders = messages.Board(local, tables.ORDERS)
    mailbox = messages.Mailbox(local, tables.EPISODES)
    client = reverb.Client(local)
    while True:
        process.stop.wait(_SECONDS_BETWEEN_LOOKS)
        process.health.touch()
        sizes = client.server_info()
        count = min(sizes[tables.EPISODES].current_size, gathering.room)
        if count:
            received = mailbox.receive(count)
            gathering.take(episode_messages.from_message(message, spec) for message in received)
        if gathering.is_due:
            gathering.flush()
            process.say(f"{len(gathering)} gathered episodes")
        if sizes[tables.ORDERS].current_size:
            if protocol.Orders.from_message(orders.get()).finished:
                break
    process.say("the job has ended")
    process.stop.wait(_FAREWELL_SECONDS)


def _own_folder(files: run_files.RunFiles, served: job.Job) -> pathlib.Path:
    """Returns the folder of this server's checkpoints; those of other jobs are removed."""
    share = served.share
    parent = files.replay_checkpoints / f"{share.index}-of-{share.count}"
    folder = parent / served.identity[:16]
    with files_lib.report_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for other in parent.iterdir():
            if other != folder:
                shutil.rmtree(other)
    return folder


def _check_learns_by_gradients(agent: behavioral_cloning_agent.BehavioralCloningAgent) -> None:
    if type(agent).memorize is not behavioral_cloning_agent.BehavioralCloningAgent.memorize:
        raise errors.RunError(
            f"{type(agent).__name__} memorises the demonstrations instead of training on them; "
            "run it with python -m ibc_agents.train."
        )
