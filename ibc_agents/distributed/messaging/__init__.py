"""What the processes of a job send each other, and how."""
