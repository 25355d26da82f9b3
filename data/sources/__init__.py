"""Opened demonstrations, and the sources that make training batches of them."""
