"""The checkpoints of a training."""
