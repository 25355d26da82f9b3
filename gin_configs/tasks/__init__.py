"""One file per task: environment, demonstrations, encoder of its observations, training budget."""
