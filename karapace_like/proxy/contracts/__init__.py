"""Contracts at the door: topic policies applied to the records that clients produce."""
