"""How observations are encoded; a task includes the one for its kind of observations."""
