"""The same `Experiment`, split into roles: replay server, learner and evaluators.

Every role is a plain process; they know each other through the replay server alone. What they say
to each other and how a job survives the death of each is told in docs/distributed.md.
"""
