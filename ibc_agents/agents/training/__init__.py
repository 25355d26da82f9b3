"""What happens in a training step besides the loss: windows, noise, replicas, the update."""
