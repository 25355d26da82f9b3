"""Gathered episodes are stored once and sampled, also after kills."""

import re

import pytest
import reverb

from data.reading import demonstrations
from tests.ibc_agents.distributed import job_processes
from tests.system import helpers

EPISODES = 120
GATHERING = helpers.bindings(
    f"GatheringSettings.num_episodes={EPISODES}",
    "GatheringSettings.successes_only=False",
    "GatheringSettings.batch_size=8",
)


@pytest.mark.slow
def test_gathered_episodes_are_sampled_and_stored_once(job):
    replay = job.start("replay", *GATHERING)
    replay.wait_for("ready:")
    demonstrated = int(re.search(r"transitions of (\d+) demonstrations", replay.text)[1])
    learner = job.start("learner", *GATHERING)
    actor = job.start("actor", *GATHERING)
    replay.wait_for("gathered episodes")
    assert actor.health()["ready"] and actor.health()["step"] >= job_processes.INTERVAL
    actor.kill()
    replay.kill()
    kept = stored(job)

    replay = job.start("replay", *GATHERING)
    replay.wait_for(f"loaded {len(kept)} gathered episodes")
    assert num_items(job) == demonstrated + len(kept)
    actor = job.start("actor", *GATHERING)
    replay.wait_for(f" {EPISODES} gathered episodes")
    assert num_items(job) == demonstrated + EPISODES
    evaluator = job.start("evaluator", *GATHERING)  # The job cannot finish before.
    assert learner.wait() == evaluator.wait() == actor.wait() == replay.wait() == 0
    assert job.rows() == job_processes.ALL_ROWS
    everything = stored(job)
    assert len(set(everything)) == len(everything) == EPISODES
    assert set(kept) < set(everything)
    assert not [name for name in helpers.files(job.root_dir / "gathered") if ".partial" in name]


def stored(job):
    """Returns the hashes of all gathered episodes on disk, which are complete datasets."""
    folders = sorted(path for path in (job.root_dir / "gathered").iterdir() if path.name[0] != ".")
    datasets = [demonstrations.Demonstrations.open(folder, 0.0) for folder in folders]
    assert all(dataset.manifest for dataset in datasets)
    return [episode.content_hash for dataset in datasets for episode in dataset.train]


def num_items(job):
    return reverb.Client(job.address).server_info(timeout=5)["demonstrations"].current_size
