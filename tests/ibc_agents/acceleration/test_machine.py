"""Descriptions of the machine, and measured speedups."""

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
    machine.forget_speedups()
    yield tmp_path / "ibc_agents"
    machine.forget_speedups()


def test_speedup_is_above_one_if_the_second_function_is_faster(folder):
    assert machine.speedup("one", slow, quick) > 1
    assert machine.speedup("other", quick, slow) < 1


def test_a_machine_is_measured_once_by_all_processes(folder):
    measured = machine.speedup("choice", slow, quick)
    machine.forget_speedups()  # as in another process
    assert machine.speedup("choice", never, never) == measured
    (file,) = folder.iterdir()
    assert json.loads(file.read_text())["processor"] == machine.describe()["processor"]


def test_each_number_of_threads_is_measured_separately(folder, monkeypatch):
    assert machine.speedup("choice", slow, quick) > 1
    machine.forget_speedups()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "17")
    assert machine.speedup("choice", quick, slow) < 1
    assert len(list(folder.iterdir())) == 2


def test_the_first_of_two_simultaneous_measurements_is_kept(folder, monkeypatch):
    def measured_while_another_wrote(plain, fast):
        machine._keep(folder / path.name, 7.0)
        return 3.0

    machine.speedup("choice", slow, quick)
    (path,) = folder.iterdir()
    path.unlink()
    machine.forget_speedups()
    monkeypatch.setattr(machine, "_measure", measured_while_another_wrote)
    assert machine.speedup("choice", slow, quick) == 7.0
    assert [file.name for file in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"speedup": null}'])
def test_a_damaged_file_is_replaced_by_a_measurement(folder, content):
    machine.speedup("choice", slow, quick)
    (path,) = folder.iterdir()
    path.write_text(content)
    machine.forget_speedups()
    assert 1 < machine.speedup("choice", slow, quick) < np.inf


def test_without_a_file_each_process_measures(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    machine.forget_speedups()
    measured = machine.speedup("choice", slow, quick)
    assert measured > 1
    assert machine.speedup("choice", slow, quick) == measured


def test_without_a_home_folder_each_process_measures(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(machine.pathlib.Path, "home", no_home)
    machine.forget_speedups()
    assert machine.speedup("choice", slow, quick) > 1
