"""The other processes of this service: nodes, workers, and forwarding to the primary."""
