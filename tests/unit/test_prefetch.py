"""What consumers may fetch ahead: bounded for all together, and large for few."""

from karapace_like.kafka.prefetch import PrefetchBudget

BUDGET = 64 * 1024
"""KiB."""


def test_a_thousand_clients_share_the_budget() -> None:
    """The first ones get 16 MiB; what goes beyond the budget are the 256 KiB that each may have at least."""
    budget = PrefetchBudget(BUDGET)
    shares = [budget.reserve() for _ in range(1_000)]
    assert shares[0] == 16 * 1024
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= BUDGET + 1_000 * 256
    for share in shares:
        budget.release(share)
    assert budget.free == BUDGET
