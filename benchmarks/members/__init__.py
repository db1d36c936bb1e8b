"""Prototypes of many consumer group members in one process, measured: see docs/adr/0034-many-members.md."""
