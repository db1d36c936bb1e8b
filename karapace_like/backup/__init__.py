"""Backups of a registry: archives, the differences between two states, and the restoration of an archive.

A state is the registry's own `Store`, filled by the same records from an archive, the API or the topic. Only
`registry_state.py` and `restoring.py` use a network: they send HTTP requests to a registry.
"""
