"""Runs an `Experiment` as a job of several processes, one role each.

The roles are replay server, learner, evaluator and actor. Processes find each other by the
addresses of the replay servers. Start a job with `python -m ibc_agents.distributed`;
docs/distributed.md describes deployment, failures and costs.

The packages depend on each other in this order, lowest first:

* `processes` starts, monitors, restarts and shuts down processes.
* `messaging` exchanges messages and policies through tables of the replay servers.
* `evaluation` distributes the episodes of an evaluation among evaluators.
* `roles` holds what each role does.
"""
