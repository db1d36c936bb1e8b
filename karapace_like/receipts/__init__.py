"""Receipts: what the service has answered to produce requests with an `Idempotency-Key`, to be repeated."""
