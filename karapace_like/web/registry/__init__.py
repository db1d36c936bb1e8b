"""The registry's HTTP API: one file per resource, and the table of all routes."""

from karapace_like.web.registry import (
    associations,
    compatibility,
    config,
    contexts,
    differences,
    explanations,
    metadata,
    reference_graphs,
    rules,
    schemas,
    search,
    subjects,
)

CONTEXT_PREFIX = "/contexts/{context}"
ROUTES = (
    *subjects.ROUTES,
    *search.ROUTES,
    *differences.ROUTES,
    *reference_graphs.ROUTES,
    *schemas.ROUTES,
    *config.ROUTES,
    *compatibility.ROUTES,
    *explanations.ROUTES,
    *associations.ROUTES,
    *rules.ROUTES,
)
"""Served at the top and again below CONTEXT_PREFIX."""
TOP_ROUTES = (*contexts.ROUTES, *metadata.ROUTES)
"""Served at the top only."""
