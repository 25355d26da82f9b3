"""The times of the machine."""

import pathlib

import numpy as np

from ibc_agents.acceleration import machine


def test_the_time_of_all_processes_contains_that_of_this_one():
    clock = machine.Clock()
    own, everyone, seconds = (
        clock.own_core_seconds(),
        clock.all_core_seconds(),
        clock.seconds(),
    )
    while clock.own_core_seconds() - own < 0.3:
        np.linalg.svd(np.ones([100, 100]))
    used = clock.all_core_seconds() - everyone
    assert used > 0.2  # counted in ticks of 0.01 s on each core
    assert used < (clock.seconds() - seconds + 0.1) * machine.num_cores()


def test_without_counters_of_the_system_no_other_process_is_seen(monkeypatch):
    def unreadable(self):
        raise PermissionError

    monkeypatch.setattr(pathlib.Path, "read_text", unreadable)
    clock = machine.Clock()
    own = clock.own_core_seconds()
    assert own <= clock.all_core_seconds() <= clock.own_core_seconds()
