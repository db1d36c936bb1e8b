"""State that the primary writes to a log, a compacted topic, and that every process of the service replays from it."""
