"""Dense, random and normalized layers that several networks share."""
