"""Episodes in memory: frames, specs, windows and statistics."""
