"""Avro, JSON Schema and Protobuf behind one table: parsing, texts, compatibility. Pure: no I/O, no event loop."""
