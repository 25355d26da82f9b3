"""Draws energy landscapes and shows rollouts.

- `landscape_moments` records the observations of a demonstration or a rollout.
- `energy_landscape` computes the energy at such a moment, and `landscape_plots` draws it.
- `videos` writes rollouts to files, and `live_window` shows them while they run.
"""
