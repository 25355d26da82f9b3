"""Sizes of blocks and shares, selected by a measurement or by a setting."""

import json

import pytest
import tensorflow as tf

from ibc_agents import acceleration
from ibc_agents.acceleration import blocks, measured_choice
from tests.ibc_agents.acceleration import fake_machine


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Sets the result of the speed measurement."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def set_speedup(speedup):
        computer = fake_machine.FakeMachine()
        choice = measured_choice.MeasuredChoice(
            "choice", computer.work(speedup), computer.work(1.0), computer
        )
        monkeypatch.setattr(blocks, "CHOICE", choice)

    return set_speedup


@pytest.mark.parametrize(("speedup", "expected"), [(0.5, None), (1.05, None), (1.5, 4)])
def test_rows_are_split_if_splitting_is_measured_to_be_faster(measured, speedup, expected):
    measured(speedup)
    assert blocks.Blocks(num_bytes=4 * 128 * 4).rows(128) == expected


@pytest.mark.parametrize(("enabled", "expected"), [(True, 4), (False, None)])
def test_a_setting_needs_no_measurement(measured, enabled, expected):
    measured(1.5)
    assert blocks.Blocks(enabled, num_bytes=4 * 128 * 4).rows(128) == expected
    assert blocks.CHOICE.made is None


def test_cores_share_chains_unless_blocks_are_off(measured):
    measured(0.5)
    assert blocks.Blocks().rows_of_a_share(64) == 128
    assert blocks.Blocks(True).rows_of_a_share(2**20) == 1
    assert blocks.Blocks(False).rows_of_a_share(64) is None


def test_a_gpu_takes_all_rows_at_once(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert blocks.Blocks(True).rows(128) is None
    assert blocks.Blocks(True).rows_of_a_share(64) is None


@pytest.mark.parametrize("speedup", [0.5, 2.0])
def test_the_choice_is_reported(measured, speedup):
    measured(speedup)
    assert acceleration.choices() == {}
    blocks.Blocks().rows(64)
    assert json.loads(json.dumps(acceleration.choices())) == {
        "blocks": {
            "taken": speedup > 1,
            "speedup": speedup,
            "measured": "2030-01-01T00:00+00:00",
        }
    }


def test_this_machine_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    choice = measured_choice.MeasuredChoice("blocks", blocks._whole, blocks._in_blocks).make()
    assert 0 < choice.comparison.low <= choice.comparison.speedup <= choice.comparison.high
    assert len(list((tmp_path / "ibc_agents").iterdir())) == 1
