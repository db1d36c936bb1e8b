"""Files of records: written to a topic, and read from it, batch by batch, in constant memory."""
