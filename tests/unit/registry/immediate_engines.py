"""Engines for tests that plan without an event loop."""

from typing import Any

from karapace_like.registry.engine_jobs import Job
from karapace_like.registry.engines import Engines, Outcome, _compute


class ImmediateEngines(Engines):
    """Compute every light job at once; there is no event loop whose turns would bound them."""

    def _compute_at_once(self, job: Job[Any]) -> Outcome:
        return _compute(job)
