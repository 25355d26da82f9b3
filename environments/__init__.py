"""Simulated tasks, one package a domain; every environment is a TF-Agents `PyEnvironment`."""
