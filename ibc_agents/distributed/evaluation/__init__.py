"""Distributes the episodes of each evaluation among evaluators and records the results.

`evaluation_coordinator` is the interface for the learner.
"""
