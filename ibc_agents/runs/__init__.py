"""A run as a value, and what trains, validates, evaluates and records it."""
