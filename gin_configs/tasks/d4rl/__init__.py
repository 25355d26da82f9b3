"""D4RL's tasks with human demonstrations."""
