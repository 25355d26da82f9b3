"""What machine this is, and which of two ways it is faster at."""

import json
import time

import numpy as np
import pytest

from ibc_agents.acceleration import machine


def slow():
    time.sleep(0.02)


def quick():
    time.sleep(0.001)


def never():
    pytest.fail("measured again")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine.speedup.cache_clear()
    yield tmp_path / "ibc_agents"
    machine.speedup.cache_clear()


def test_the_faster_way_is_told(folder):
    assert machine.speedup("one", slow, quick) > 1
    assert machine.speedup("other", quick, slow) < 1


def test_a_machine_is_measured_once_whatever_the_process(folder):
    measured = machine.speedup("choice", slow, quick)
    machine.speedup.cache_clear()  # as in another process
    assert machine.speedup("choice", never, never) == measured
    (file,) = folder.iterdir()
    assert json.loads(file.read_text())["processor"] == machine.describe()["processor"]


def test_each_number_of_threads_is_measured_by_itself(folder, monkeypatch):
    assert machine.speedup("choice", slow, quick) > 1
    machine.speedup.cache_clear()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "17")
    assert machine.speedup("choice", quick, slow) < 1
    assert len(list(folder.iterdir())) == 2


def test_of_two_processes_that_measure_at_once_the_first_is_believed(folder, monkeypatch):
    def measured_while_another_wrote(plain, fast):
        machine._keep(folder / path.name, 7.0)
        return 3.0

    machine.speedup("choice", slow, quick)
    (path,) = folder.iterdir()
    path.unlink()
    machine.speedup.cache_clear()
    monkeypatch.setattr(machine, "_measure", measured_while_another_wrote)
    assert machine.speedup("choice", slow, quick) == 7.0
    assert [file.name for file in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"speedup": null}'])
def test_a_spoilt_file_is_not_believed(folder, content):
    machine.speedup("choice", slow, quick)
    (path,) = folder.iterdir()
    path.write_text(content)
    machine.speedup.cache_clear()
    assert 1 < machine.speedup("choice", slow, quick) < np.inf


def test_where_nothing_can_be_written_a_process_measures_for_itself(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    machine.speedup.cache_clear()
    measured = machine.speedup("choice", slow, quick)
    assert measured > 1
    assert machine.speedup("choice", slow, quick) == measured


def test_a_user_without_a_home_measures_for_himself(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(machine.pathlib.Path, "home", no_home)
    machine.speedup.cache_clear()
    assert machine.speedup("choice", slow, quick) > 1
