"""The training loop of a run, its progress bar, and batches read ahead."""
