"""Karapace's dialect of the API: one table of differences from Confluent's, and one place that applies it."""
