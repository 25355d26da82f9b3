"""What several tasks or several methods include."""
