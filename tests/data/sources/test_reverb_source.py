"""ReverbSource: the contract "Source" on a real server, in this process and in another."""

import collections
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import reverb
import tensorflow as tf

import data
from data.sources import replay_server, reverb_source
from ibc_agents.core import errors
from tests.data.sources import listening

ROOT = pathlib.Path(__file__).resolve().parents[3]
IMAGE = (4, 3, 3)
LENGTHS = [2, 6, 1, 13, 6]
NUM_WINDOWS = 1 + 5 + 1 + 12 + 5

_SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
import reverb
from data.sources import reverb_source
server = reverb.Server(reverb_source.replay_tables())
print(server.port, flush=True)
sys.stdin.read()
"""


def _episodes(make_episode, image_shape=None):
    return [make_episode(n, i, image_shape) for i, n in enumerate(LENGTHS)]


@pytest.fixture
def start_server():
    """Starts servers in this process; returns their addresses."""
    servers = []

    def start(tables=None):
        server = reverb.Server(tables or reverb_source.replay_tables())
        servers.append(server)
        return f"localhost:{server.port}"

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server_process():
    """Returns the address of a server in a separate process."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, os.fspath(ROOT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    yield f"localhost:{int(process.stdout.readline())}"
    process.kill()
    process.communicate()


@pytest.fixture(scope="module", params=[None, IMAGE], ids=["vectors", "images"])
def loaded(request, make_spec, make_episode):
    episodes, spec = _episodes(make_episode, request.param), make_spec(request.param)
    source = reverb_source.ReverbSource(shuffle_windows=64)
    source.load(episodes, spec)
    yield source, episodes, spec
    source.close()


def test_contract_source_reverb_gives_the_windows_of_the_episodes(loaded):
    source, episodes, spec = loaded
    assert source.num_windows == NUM_WINDOWS
    dataset = source.dataset(3, 8, seed=0)
    batch, info = next(iter(dataset))
    assert info == ()
    for leaf, leaf_spec in zip(tf.nest.flatten(batch), tf.nest.flatten(spec)):
        assert (leaf.shape, leaf.dtype) == ([8, 3, *leaf_spec.shape], leaf_spec.dtype)
    assert dataset.element_spec[0].action.shape.as_list()[1:] == [3, 2]
    for row in range(8):
        episode, end = divmod(int(batch.observation["counter"][row, -1]), 1000)
        window = [max(0, end - 2), max(0, end - 1), end]
        assert episodes[episode].executed[end]
        expected = tf.nest.map_structure(lambda x: x[window], episodes[episode].frames)  # noqa: B023
        actual = tf.nest.map_structure(lambda x: x[row].numpy(), batch)  # noqa: B023
        tf.nest.map_structure(np.testing.assert_array_equal, actual, expected)


def test_every_window_is_equally_likely(loaded):
    source, _, _ = loaded
    counts, draws = collections.Counter(), 0
    for batch, _ in source.dataset(3, 64, seed=1).take(150):
        counts.update(batch.observation["counter"].numpy()[:, -1].tolist())
        draws += 64
    assert len(counts) == NUM_WINDOWS
    expected = draws / NUM_WINDOWS
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    # Whole episodes are drawn, up to 12 windows at a time, so counts vary up to 12 times as
    # much as 18 independent degrees of freedom; drawing windows unfairly gives over 2000.
    assert chi_square < 12 * 50


def test_vector_windows_are_shuffled(make_spec, make_episode):
    source = reverb_source.ReverbSource(shuffle_windows=256)
    source.load(_episodes(make_episode), make_spec())
    batch, _ = next(iter(source.dataset(1, 256, seed=0)))
    source.close()
    ids = batch.observation["counter"].numpy()[:, 0]
    # In order of sampling, two thirds of the neighbors would be consecutive frames.
    assert np.mean(np.diff(ids) == 1) < 0.2


def test_contract_reverb_layout_items_are_neither_evicted_nor_consumed(make_spec, make_episode):
    source = reverb_source.ReverbSource()
    episodes = [make_episode(4, n) for n in range(300)]
    source.load(episodes, make_spec())
    seen = set()
    for batch, _ in source.dataset(1, 300, seed=0).take(60):
        seen.update(batch.observation["counter"].numpy()[:, 0].tolist())
    source.close()
    assert seen == {1000 * n + frame for n in range(300) for frame in range(3)}


def test_a_server_of_this_process_is_reachable_from_this_machine_alone(make_spec, make_episode):
    before = listening.listening_ports(os.getpid())
    with contextlib.closing(reverb_source.ReverbSource()) as source:
        source.load(_episodes(make_episode), make_spec())
        ports = listening.listening_ports(os.getpid()) - before
        assert len(ports) == 1
        assert not ports & listening.unrestricted_ports()
        assert not ports & listening.reachable_ports(os.getpid())
    assert listening.listening_ports(os.getpid()) == before


def test_a_server_of_this_process_leaves_no_files(make_spec, make_episode, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path))
    with contextlib.closing(reverb_source.ReverbSource()) as source:
        source.load(_episodes(make_episode), make_spec())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def own_server(make_spec, make_episode):
    """Returns a loaded source and the address of its server."""
    with contextlib.ExitStack() as stack:

        def load(image_shape=None):
            before = listening.listening_ports(os.getpid())
            source = reverb_source.ReverbSource(shuffle_windows=16)
            stack.enter_context(contextlib.closing(source))
            source.load(_episodes(make_episode, image_shape), make_spec(image_shape))
            (port,) = listening.listening_ports(os.getpid()) - before
            return source, f"localhost:{port}"

        yield load


@pytest.mark.parametrize("image_shape", [None, IMAGE])
def test_reports_an_emptied_table(own_server, image_shape, monkeypatch):
    monkeypatch.setattr(reverb_source, "_SECONDS_WITHOUT_SAMPLE", 0.2)
    source, address = own_server(image_shape)
    iterator = iter(source.dataset(2, 8, seed=0))
    next(iterator)
    source.check()
    reverb.Client(address).reset("demonstrations")
    with pytest.raises(tf.errors.OpError, match="has lost demonstrations: it holds 0 of"):
        for _ in range(1000):
            next(iterator)
    with pytest.raises(data.DataError, match=f"{address}: the Reverb server has lost"):
        source.check()


def test_reports_a_removed_item(own_server, monkeypatch):
    monkeypatch.setattr(reverb_source, "_SAMPLES_BETWEEN_CHECKS", 50)
    source, address = own_server()
    iterator = iter(source.dataset(2, 8, seed=0))
    client = reverb.Client(address)
    key = next(iter(client.sample("demonstrations")))[0].info.key
    client.mutate_priorities("demonstrations", deletes=[key])
    with pytest.raises(tf.errors.OpError, match="it holds 4 of 5 items"):
        for _ in range(1000):
            next(iterator)


def test_a_server_of_another_process_is_filled_and_read(server_process, make_spec, make_episode):
    source = reverb_source.ReverbSource(server_process, shuffle_windows=32)
    source.load(_episodes(make_episode), make_spec())
    assert len(_draw([server_process], make_spec(), batches=40)) == NUM_WINDOWS
    source.close()


@pytest.mark.parametrize("image_shape", [None, IMAGE])
def test_an_external_server_is_filled_once_and_reused(
    start_server, make_spec, make_episode, image_shape
):
    address, spec = start_server(), make_spec(image_shape)
    episodes = _episodes(make_episode, image_shape)
    for _ in range(2):
        source = reverb_source.ReverbSource(address, shuffle_windows=32)
        source.load(episodes, spec)
        batch, _ = next(iter(source.dataset(2, 16, seed=0)))
        assert batch.action.shape == [16, 2, 2]
        source.close()
        items = reverb.Client(address).server_info()["demonstrations"].current_size
        assert items == (NUM_WINDOWS if image_shape else len(LENGTHS))
    other = reverb_source.ReverbSource(address)
    message = "localhost:.* contains another dataset, or windows of another length"
    with pytest.raises(data.DataError, match=message):
        other.load(episodes[:3], spec)
        other.dataset(2, 16, seed=0)
    if image_shape:
        with pytest.raises(data.DataError, match=message):
            source.load(episodes, spec)
            source.dataset(3, 16, seed=0)


def test_rejects_a_partly_filled_server(start_server, make_spec, make_episode):
    address = start_server()
    reverb.Client(address).insert([np.zeros(3, np.uint8)], {"demonstrations": 1.0})
    with pytest.raises(data.DataError, match="localhost:.*: the Reverb server is partly filled"):
        reverb_source.ReverbSource(address).load(_episodes(make_episode), make_spec())


def test_rejects_a_server_without_the_tables(start_server, make_spec, make_episode):
    address = start_server([reverb.Table.queue("other", 10)])
    with pytest.raises(data.DataError, match="localhost:.*: the Reverb server has no table demon"):
        reverb_source.ReverbSource(address).load(_episodes(make_episode), make_spec())


def test_reports_a_missing_server_in_one_line(make_spec, make_episode):
    with pytest.raises(data.DataError, match="localhost:1: no Reverb server answers within 5 sec"):
        reverb_source.ReverbSource("localhost:1").load(_episodes(make_episode), make_spec())


@pytest.mark.parametrize("address", ["localhost", "localhost:", "localhost:port", "1234", ":1234"])
def test_rejects_a_bad_address(address):
    with pytest.raises(errors.SettingError, match="must be the address"):
        reverb_source.ReverbSource(address)


def test_reports_misuse(make_spec):
    source = reverb_source.ReverbSource()
    with pytest.raises(data.DataError, match="nothing is loaded"):
        source.dataset(2, 4, 0)
    with pytest.raises(data.DataError, match="no demonstration"):
        source.load([], make_spec())
    with pytest.raises(errors.SettingError, match="shuffle_windows must be"):
        reverb_source.ReverbSource(shuffle_windows=0)


def test_loads_an_episode_collection(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(n, n) for n in range(2, 9)], make_spec())
    train = data.Demonstrations.open(folder, 0.3).train
    source = reverb_source.ReverbSource(shuffle_windows=8)
    source.load(train, make_spec())
    ends = {
        int(counter)
        for batch, _ in source.dataset(2, 50, seed=0).take(20)
        for counter in batch.observation["counter"][:, -1]
    }
    source.close()
    expected = {int(c) for e in train for c in e.frames.observation["counter"][e.executed]}
    assert ends == expected and source.num_windows == len(expected)


@pytest.mark.parametrize("image_shape", [None, IMAGE])
def test_connects_to_a_filled_server_without_episodes(
    start_server, make_spec, make_episode, image_shape
):
    address, spec = start_server(), make_spec(image_shape)
    replay_server.ReplayServer(address, spec).fill(_episodes(make_episode, image_shape), 2)
    assert len(_draw([address], spec, batches=40)) == NUM_WINDOWS


@pytest.mark.parametrize("image_shape", [None, IMAGE])
def test_servers_are_sampled_in_proportion_to_their_items(
    start_server, make_spec, make_episode, image_shape
):
    """Like one server with all items; the bound is as in `test_every_window_is_equally_likely`."""
    addresses, spec = [start_server(), start_server()], make_spec(image_shape)
    loaded = _episodes(make_episode, image_shape)
    for address, share in zip(addresses, (loaded[:3], loaded[3:])):
        replay_server.ReplayServer(address, spec).fill(share, 2)
    counts = _draw(addresses, spec, batches=600)
    assert len(counts) == NUM_WINDOWS
    expected = 600 * 16 / NUM_WINDOWS
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 12 * 50


def _draw(addresses, spec, batches):
    """Counts each window of T = 2."""
    source = reverb_source.ReverbSource(shuffle_windows=32)
    source.connect(addresses, spec)
    counts = collections.Counter()
    for batch, _ in source.dataset(2, 16, seed=0).take(batches):
        assert batch.action.shape == [16, 2, 2]
        counts.update(batch.observation["counter"].numpy()[:, -1].tolist())
    return counts
