"""The dataset format on disk: reading, writing and describing shards."""
