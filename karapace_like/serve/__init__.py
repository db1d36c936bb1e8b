"""The one composition root: it builds every part from the settings, starts them in order and stops them in reverse.

HTTP listens first, so that clients and probes get an answer (503) while the schemas are still being read. One process
builds all parts; with several workers (`workers/`) each worker does, and one of them takes part in the election.

The package imports nothing: the supervisor needs `listeners.py` alone, without the memory of the modules that serve.
"""
