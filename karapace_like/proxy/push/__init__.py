"""Push: subscriptions to topics, which share one reader of a topic's end; see `hub.py`."""
