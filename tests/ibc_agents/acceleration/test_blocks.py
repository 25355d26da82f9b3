"""Sizes of blocks and shares, selected by a measurement or by a setting."""

import json

import pytest
import tensorflow as tf

from ibc_agents import acceleration
from ibc_agents.acceleration import blocks, machine


@pytest.fixture
def measured(monkeypatch):
    """Sets the result of the speedup measurement."""

    def set_speedup(speedup):
        monkeypatch.setattr(machine, "speedup", lambda name, plain, fast: speedup)

    return set_speedup


@pytest.mark.parametrize(("speedup", "expected"), [(0.5, None), (1.05, None), (1.5, 4)])
def test_rows_are_split_if_splitting_is_measured_to_be_faster(measured, speedup, expected):
    measured(speedup)
    assert blocks.Blocks(num_bytes=4 * 128 * 4).rows(128) == expected


@pytest.mark.parametrize(("enabled", "expected"), [(True, 4), (False, None)])
def test_a_setting_needs_no_measurement(monkeypatch, enabled, expected):
    monkeypatch.setattr(machine, "speedup", lambda *_: pytest.fail("measured"))
    assert blocks.Blocks(enabled, num_bytes=4 * 128 * 4).rows(128) == expected


def test_cores_share_chains_unless_blocks_are_off(measured):
    measured(0.5)
    assert blocks.Blocks().rows_of_a_share(64) == 128
    assert blocks.Blocks(True).rows_of_a_share(2**20) == 1
    assert blocks.Blocks(False).rows_of_a_share(64) is None


def test_a_gpu_takes_all_rows_at_once(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert blocks.Blocks(True).rows(128) is None
    assert blocks.Blocks(True).rows_of_a_share(64) is None


def test_the_choice_of_this_machine_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine.forget_speedups()
    assert acceleration.choices() == {}
    taken = blocks.Blocks().rows(64) is not None
    choice = json.loads(json.dumps(acceleration.choices()))["blocks"]
    assert choice["taken"] == taken
    assert choice["speedup"] > 0
    assert len(list((tmp_path / "ibc_agents").iterdir())) == 1
    machine.forget_speedups()
