"""Lock files: one holder at a time, named to the others, and gone with its process."""

import errno
import fcntl
import multiprocessing
import os
import threading

import pytest

from ibc_agents.core import errors
from ibc_agents.runs.records import file_lock

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


def hold_forever(path, held):
    with file_lock.hold(path):
        held.set()
        threading.Event().wait()


def test_the_second_holder_is_told_the_first(path):
    with file_lock.hold(path):
        for _ in range(2):
            with pytest.raises(file_lock.LockedError) as caught, file_lock.hold(path):
                pass
            assert f"process {os.getpid()} on " in caught.value.holder
    assert not path.exists()
    with file_lock.hold(path):
        assert path.exists()


def test_the_lock_of_a_killed_process_ends_with_it(path):
    held = SPAWN.Event()
    process = SPAWN.Process(target=hold_forever, args=(path, held))
    process.start()
    assert held.wait(60)
    with pytest.raises(file_lock.LockedError, match=f"process {process.pid} "):
        with file_lock.hold(path):
            pass
    process.kill()
    process.join()
    assert path.exists()  # a killed process removes nothing
    with file_lock.hold(path):
        assert f"process {os.getpid()} " in path.read_text()


def test_many_holders_wait_for_each_other(path):
    """A waiting holder opened a file that its holder removes; it takes the new one."""
    inside, largest, messages = [0], [0], []

    def work():
        for _ in range(50):
            with file_lock.hold(path, messages.append):
                inside[0] += 1
                largest[0] = max(largest[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert largest == [1]
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\0\n", b"a\nb" * 1000])
def test_a_damaged_lock_file_names_another_process(path, content):
    path.write_bytes(content)
    with open(path) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(file_lock.LockedError, match="locked by another process"):
            with file_lock.hold(path):
                pass
    with file_lock.hold(path):
        pass


def test_a_file_system_without_locks_is_used_without(path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with file_lock.hold(path), file_lock.hold(path):
        pass


def test_a_lock_that_cannot_be_written_is_an_error_of_the_user(path, tmp_path):
    path.mkdir()
    for unwritable in (path, tmp_path / "absent" / ".lock"):
        with pytest.raises(errors.RunError, match=f"cannot write {unwritable}"):
            with file_lock.hold(unwritable):
                pass


def test_a_root_dir_in_use_is_named_with_its_user(tmp_path):
    with file_lock.hold_root_dir(tmp_path):
        with pytest.raises(errors.RunError) as caught, file_lock.hold_root_dir(tmp_path):
            pass
        with file_lock.hold_root_dir(tmp_path, "replay-0"):
            pass
    for part in (str(tmp_path), f"in use by process {os.getpid()} on ", "--root_dir"):
        assert part in str(caught.value)
