"""Incompatibilities explained: their places in both schemas, a record that shows each, advice, and who is affected."""
