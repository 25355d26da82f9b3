"""Episodes in environments: evaluation, collection, actors and worker processes."""
