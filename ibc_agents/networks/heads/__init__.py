"""Last layers: minima of basins, mixture densities and regression."""
