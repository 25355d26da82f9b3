"""Records of a run about itself in its root_dir: its settings, choices and writing process."""
