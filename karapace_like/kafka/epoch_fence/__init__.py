"""Fencing by producer epoch: plain idempotent batches, which the brokers refuse from an earlier epoch of the same id.

`fencer.py` takes an epoch at a term's start, `writer.py` writes under it, `partition.py` is the connection to the
partition's leader, `requests.py` has the requests that aiokafka lacks, `read_back.py` the records that this node reads.
docs/adr/0021-fencing-by-epoch.md has the reasons.
"""
