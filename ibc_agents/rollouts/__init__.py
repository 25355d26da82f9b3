"""Runs episodes of policies and demonstrators in environments.

- `episode_loop` runs a batch of episodes of one of the `actors`, and `recorders` observe it.
- `evaluation` estimates the success of a policy, with `confidence_intervals`.
- `collection` writes demonstrations to a dataset folder, with `workers`.
- `rollout_seeds` derives the seeds of an episode.
"""
