"""The tables of a job's replay server, besides the demonstrations'."""

from __future__ import annotations

import reverb
from tf_agents.policies import tf_policy

from data.sources import reverb_source
from ibc_agents.distributed.messaging import messages, variables

JOB = "job"  # a `Job`, put there when all demonstrations are loaded
HELD_OUT = "held_out"  # the leaves of some batches, stacked; empty where nothing is held out
ORDERS = "orders"  # an `Orders` of the learner to the evaluators
REPORTS = "reports"  # `Report`s of the evaluators to the learner
EPISODES = "episodes"  # the leaves of episodes of the actors to the replay server


def of(policy: tf_policy.TFPolicy) -> list[reverb.Table]:
    """Returns all the tables of a job that trains such a policy."""
    return [
        *reverb_source.replay_tables(),
        variables.table(policy),
        *(messages.Board.table(name) for name in (JOB, HELD_OUT, ORDERS)),
        *(messages.Mailbox.table(name) for name in (REPORTS, EPISODES)),
    ]
