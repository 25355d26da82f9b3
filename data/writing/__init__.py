"""Dataset folders that appear complete or not at all."""
