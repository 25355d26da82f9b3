"""The tables of a replay server."""

from __future__ import annotations

import reverb
from tf_agents.policies import tf_policy

from data.sources import reverb_source
from ibc_agents.distributed.messaging import channels, policy_variables

JOB = "job"  # Broadcast of a `JobSpec`, sent once the demonstrations are loaded.
VALIDATION_BATCHES = "validation_batches"  # Broadcast; empty without a validation split.
ASSIGNMENTS = "assignments"  # Broadcast of `Assignments`, from the learner.
REPORTS = "reports"  # Queue of `Report`, from evaluators to the learner.
EPISODES = "episodes"  # Queue of episodes, from actors to the replay server.


def create_tables(policy: tf_policy.TFPolicy) -> list[reverb.Table]:
    """Returns all tables of a job, those of the demonstrations included.

    Args:
        policy: A policy with the variables of the one that the job trains.
    """
    return [
        *reverb_source.replay_tables(),
        policy_variables.create_table(policy),
        *(channels.Broadcast.table(name) for name in (JOB, VALIDATION_BATCHES, ASSIGNMENTS)),
        *(channels.MessageQueue.table(name) for name in (REPORTS, EPISODES)),
    ]
