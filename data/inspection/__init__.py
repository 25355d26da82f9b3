"""Summaries of a dataset, as text and as plots."""
