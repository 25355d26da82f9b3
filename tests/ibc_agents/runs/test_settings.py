"""The settings of a run check their ranges."""

import dataclasses

import pytest

from ibc_agents.runs import settings

POSITIVE = [
    (kind, field.name)
    for kind in (settings.TrainingSettings, settings.EvaluationSettings)
    for field in dataclasses.fields(kind)
    if field.name not in ("seed", "recorded_episodes")
]
POSITIVE += [(settings.DemonstrationSettings, name) for name in ("num_episodes", "num_processes")]
POSITIVE += [(settings.GatheringSettings, name) for name in ("num_episodes", "batch_size")]
NOT_NEGATIVE = [
    (settings.DemonstrationSettings, "seed"),
    (settings.EvaluationSettings, "seed"),
    (settings.EvaluationSettings, "recorded_episodes"),
]


@pytest.mark.parametrize(("kind", "name"), POSITIVE)
def test_counts_start_at_one(kind, name):
    assert getattr(kind(**{name: 1}), name) == 1
    with pytest.raises(
        ValueError, match=f"{kind.__name__}.{name} must be an integer of at least 1, got 0"
    ):
        kind(**{name: 0})


@pytest.mark.parametrize(("kind", "name"), NOT_NEGATIVE)
def test_seeds_and_recorded_episodes_start_at_zero(kind, name):
    assert getattr(kind(**{name: 0}), name) == 0
    with pytest.raises(
        ValueError, match=f"{kind.__name__}.{name} must be an integer of at least 0, got -1"
    ):
        kind(**{name: -1})


def test_shares_are_in_the_unit_interval():
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="GatheringSettings.demonstrator_share must be a"):
            settings.GatheringSettings(demonstrator_share=share)


def test_settings_are_values():
    assert settings.TrainingSettings(num_steps=3) == settings.TrainingSettings(num_steps=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.TrainingSettings().num_steps = 3
