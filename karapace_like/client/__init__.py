"""The registry's HTTP API from the other side: for commands that work on a registry which runs elsewhere."""
