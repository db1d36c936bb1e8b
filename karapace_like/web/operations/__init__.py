"""Calls for operators and tools: health, metrics, OpenAPI and traces."""
