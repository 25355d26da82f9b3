"""What the commands share: gin files, flags, a quiet start and readable errors."""
