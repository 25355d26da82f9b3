"""What a run records about itself in its root_dir: its settings, and the process that writes it."""
