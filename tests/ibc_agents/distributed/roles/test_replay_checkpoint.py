"""A damaged checkpoint of a replay server is removed before Reverb reads it."""

import numpy as np
import pytest
import reverb

from data.sources import replay_server, server_port
from ibc_agents.distributed.roles import replay_checkpoint

ITEMS = 20


def start(folder, lines):
    checkpoint = replay_checkpoint.ReplayCheckpoint(folder, lines.append)
    server = replay_server.start_server(
        server_port.ServerPort(), replay_server.replay_tables(), checkpoint.checkpointer
    )
    client = reverb.Client(f"localhost:{server.port}")
    return checkpoint, server, client.server_info(timeout=10)["demonstrations"].current_size, client


@pytest.fixture
def folder(tmp_path):
    """The checkpoint of a server with some items."""
    path = tmp_path / "0-of-1" / "job"
    checkpoint, server, _, client = start(path, [])
    for number in range(ITEMS):
        client.insert([np.full([100], number, np.uint8)], {"demonstrations": 1.0})
    checkpoint.write(f"localhost:{server.port}")
    server.stop()
    return path


def restored_items(folder):
    lines = []
    _, server, num_items, _ = start(folder, lines)
    server.stop()
    return num_items, lines


def test_restores_a_whole_checkpoint_and_removes_others(folder):
    other = folder.with_name("other")
    other.mkdir()
    assert restored_items(folder) == (ITEMS, [])
    assert not other.exists()


def test_starts_empty_if_any_file_is_damaged(folder):
    names = [path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()]
    assert len(names) > 3
    contents = {name: (folder / name).read_bytes() for name in names}
    damages = [
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: path.unlink(),
    ]
    for name in names:
        for damage in damages:
            for other, content in contents.items():
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                (folder / other).write_bytes(content)
            if not contents[name]:
                continue
            damage(folder / name)
            lines = []
            replay_checkpoint.ReplayCheckpoint(folder, lines.append)
            assert [line for line in lines if "the demonstrations are read again" in line], name
            assert not any(folder.iterdir())
    assert restored_items(folder) == (0, [])


def test_a_checkpoint_of_another_program_is_not_restored(folder):
    _, server, _, client = start(folder, [])
    client.reset("demonstrations")
    client.checkpoint()
    server.stop()
    num_items, lines = restored_items(folder)
    assert num_items == 0 and len(lines) == 1
