"""Several processes that serve as one node: the supervisor, the workers, and the messages between them."""
