"""Utilities of every process: logs, file watching, caches, counters, claims and trace context."""
