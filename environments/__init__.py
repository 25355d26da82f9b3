"""Simulated tasks, one package per domain. Every environment is a TF-Agents `PyEnvironment`."""
