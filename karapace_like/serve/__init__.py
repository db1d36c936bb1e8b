"""The one composition root: builds everything from settings, starts it in order and stops it in reverse.

HTTP listens first, so that clients and probes get an answer (503) while the schemas are still being read. One process
builds all of this; of several workers (`workers/`) each does, and one of them takes part in the election.
"""

from karapace_like.serve.place import Place
from karapace_like.serve.process import loop_factory, run
from karapace_like.serve.service import Service, running

__all__ = ["Place", "Service", "loop_factory", "run", "running"]
