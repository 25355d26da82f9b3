"""Summaries of what a dataset holds, as text and as a picture."""
