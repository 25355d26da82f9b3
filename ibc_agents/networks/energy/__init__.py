"""Networks that score actions at an observation."""
