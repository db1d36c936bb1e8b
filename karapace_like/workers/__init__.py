"""Several processes that serve as one node: who starts, replaces and stops them, and what they tell each other."""
