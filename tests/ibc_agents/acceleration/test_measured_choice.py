"""Choices by measurements: how long they are kept, and when they change."""

import json

import pytest

from ibc_agents.acceleration import machine, measured_choice
from tests.ibc_agents.acceleration import fake_machine


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ibc_agents"


def choose(computer, speedup):
    """Returns the choice of a new process."""
    return measured_choice.MeasuredChoice(
        "choice", computer.work(1.0), computer.work(1.0 / speedup), computer
    ).make()


def test_a_machine_is_measured_once_by_all_processes(folder):
    computer = fake_machine.FakeMachine()
    choice = choose(computer, 2.0)
    assert choice.taken
    num_works = computer.num_works
    computer.wait(days=29)
    assert choose(computer, 0.5) == choice
    assert computer.num_works == num_works
    (file,) = folder.iterdir()
    content = json.loads(file.read_text())
    assert content["processor"] == machine.describe()["processor"]
    assert content["date"].startswith("2030-01-01")


def test_the_choice_of_a_process_does_not_change(folder):
    computer = fake_machine.FakeMachine()
    choice = measured_choice.MeasuredChoice(
        "choice", computer.work(2.0), computer.work(1.0), computer
    )
    assert choice.made is None
    made = choice.make()
    computer.wait(days=300)
    assert choice.make() is made and choice.made is made


@pytest.mark.parametrize("days", [31, -1])
def test_an_old_choice_is_renewed(folder, days):
    """So is one of the future, which another clock has dated."""
    computer = fake_machine.FakeMachine()
    assert choose(computer, 2.0).taken
    computer.wait(days=days)
    renewed = choose(computer, 0.5)
    assert not renewed.taken and renewed.date == computer.date()
    assert choose(computer, 2.0) == renewed


def test_a_busy_machine_stays_with_the_previous_choice_and_measures_again_soon(folder):
    computer = fake_machine.FakeMachine()
    assert choose(computer, 2.0).taken
    computer.wait(days=31)
    computer.share_of_others = 0.5
    busy = choose(computer, 0.5)
    assert busy.taken
    computer.share_of_others = 0.0
    assert choose(computer, 0.5) == busy
    computer.wait(hours=1)
    assert not choose(computer, 0.5).taken


def test_a_busy_machine_without_a_previous_choice_takes_the_plain_way(folder):
    computer = fake_machine.FakeMachine(share_of_others=0.5)
    assert not choose(computer, 5.0).taken


def test_each_number_of_threads_is_measured_separately(folder, monkeypatch):
    assert choose(fake_machine.FakeMachine(), 2.0).taken
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "17")
    assert not choose(fake_machine.FakeMachine(), 0.5).taken
    assert len(list(folder.iterdir())) == 2


def test_the_first_of_two_simultaneous_measurements_is_kept(folder):
    computer = fake_machine.FakeMachine()
    slow = computer.work(1.0)

    def while_another_process_measures():
        first.append(choose(fake_machine.FakeMachine(), 3.0))

    first = []
    choice = measured_choice.MeasuredChoice(
        "choice", while_another_process_measures, slow, computer
    )
    assert choice.make() == first[0]


@pytest.mark.parametrize(
    "damaged",
    [
        lambda content: "",
        lambda content: "[1]",
        lambda content: '{"speedup": 1.4}',
        lambda content: json.dumps({**content, "taken": 1}),
        lambda content: json.dumps({**content, "date": "yesterday"}),
        lambda content: json.dumps({**content, "date": "2030-01-01"}),
        lambda content: json.dumps({**content, "comparison": {"speedup": 2.0}}),
        lambda content: json.dumps({**content, "comparison": None}),
    ],
)
def test_a_damaged_file_is_replaced_by_a_measurement(folder, damaged):
    computer = fake_machine.FakeMachine()
    choice = choose(computer, 2.0)
    (path,) = folder.iterdir()
    path.write_text(damaged(json.loads(path.read_text())))
    num_works = computer.num_works
    assert choose(computer, 2.0) == choice
    assert computer.num_works > num_works


def test_without_a_file_each_process_measures(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert choose(fake_machine.FakeMachine(), 2.0).taken
    assert not choose(fake_machine.FakeMachine(), 0.5).taken


def test_without_a_home_folder_each_process_measures(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(measured_choice.pathlib.Path, "home", no_home)
    assert choose(fake_machine.FakeMachine(), 2.0).taken
