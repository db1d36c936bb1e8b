"""The schema registry: its state, the plans that change it, and the one path of writes."""
