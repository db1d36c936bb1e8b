"""Queues: share groups of Kafka, whose records are received and acknowledged one by one, without consumer instances."""
