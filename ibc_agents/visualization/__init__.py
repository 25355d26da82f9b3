"""Energy landscapes, videos and the live window."""
