"""What a training saves for later use: checkpoints, and the exported policy."""
