"""Backups of a registry: archives, what differs between two states, and what makes a registry equal to an archive.

A state is the registry's own `Store`, filled from an archive, from the API or from the topic by the same records. All
but `registry_state.py` and `restoring.py`, which ask a registry over HTTP, is without a network.
"""
