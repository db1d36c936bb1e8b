"""The DEK registry's HTTP API: KEKs, DEKs, and the table of all routes."""

from karapace_like.web.keys import deks, keks

ROUTES = (*keks.ROUTES, *deks.ROUTES)
"""Served at the top and again below a context."""
