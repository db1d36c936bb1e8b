"""Engines for tests that plan without an event loop."""

from karapace_like.registry.engines import Engines


class ImmediateEngines(Engines):
    """Compute every light job at once; there is no event loop whose turns would bound them."""

    def _has_time(self) -> bool:
        return True
