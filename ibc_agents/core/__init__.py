"""What every part uses: protocols, random numbers, action space and normalizer."""
