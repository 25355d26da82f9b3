"""A run: its settings, training, validation, evaluation, files and provenance."""
