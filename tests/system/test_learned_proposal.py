"""A run with a learned proposal and prioritized windows: train, resume, export, evaluate."""

import json
from unittest import mock

from data.sources import prioritized_source
from ibc_agents.runs import run_directory
from tests.system import helpers

LEARNED = (
    "Experiment.source=@PrioritizedSource()",
    "CounterExamples.proposal=@Mixture()",
    "ImplicitBCAgent.loss=@RankingNCE()",
    "PolicySearch.sampler=@Langevin()",
    "Langevin.num_iterations=3",
    "Langevin.update=@NormalizedUpdate()",
    "MlpEnergyNetwork.head=@SoftMinimum()",
    "Mixture.network=@MixtureDensityNetwork",
    "MixtureDensityNetwork.num_components=2",
    "MixtureDensityNetwork.encoder=@proposal/MlpEncoder()",
    "proposal/MlpEncoder.width=16",
)


def test_the_proposal_is_trained_checkpointed_and_exported(finished, tmp_path, monkeypatch):
    received = []
    prioritize = prioritized_source.PrioritizedSource._prioritize

    def listen(source, chosen, losses):
        received.append(losses)
        prioritize(source, chosen, losses)

    monkeypatch.setattr(prioritized_source.PrioritizedSource, "_prioritize", listen)
    root_dir = tmp_path / "run"
    values = (*LEARNED, f"DemonstrationSettings.dataset='{finished.dataset}'")

    def train(steps):
        arguments = helpers.small_run(
            root_dir, tmp_path, steps, *values, method="ibc_derivative_free"
        )
        done = helpers.call("ibc_agents.train", *arguments)
        assert done.returncode == 0, done

    with mock.patch.object(run_directory.RunDirectory, "export_policy"):
        train(10)
    train(15)
    assert [losses.shape for losses in received] == [(32,)] * 15
    results = json.loads((root_dir / "results.json").read_text())
    assert results["resumed_at_step"] == 10
    assert helpers.scalars(root_dir / "train")["proposal_loss"]
    before, after = (helpers.checkpoint_values(root_dir, step) for step in (10, 15))
    learned = [name for name in before if "_proposal" in name and "OPTIMIZER_SLOT" not in name]
    assert learned
    assert any((before[name] != after[name]).any() for name in learned)

    evaluation = tmp_path / "evaluation.json"
    arguments = [f"--policy={root_dir}", "--episodes=4", f"--results={evaluation}"]
    done = helpers.call("ibc_agents.evaluate", *arguments)
    assert done.returncode == 0, done
    assert json.loads(evaluation.read_text())["episodes"] == results["episodes"]
