"""Records in bytes and JSON: the wire format, and one codec for each embedded format. Pure."""
