"""Shares of callers in what is bounded."""

import pytest

from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.shares import Shares


def test_one_caller_and_all_of_them_are_bounded() -> None:
    shares = Shares("leases", 3, 2)
    shares.take("a")
    with shares.hold("a"):
        with pytest.raises(ProxyError, match="too many leases of this caller"):
            shares.take("a")
        shares.take("b")
        with pytest.raises(ProxyError, match="too many leases at"):
            shares.take("c")
    assert (len(shares), shares.count_of("a"), shares.count_of("b")) == (2, 1, 1)
    shares.give_back("a")
    shares.give_back("b")
    assert (len(shares), shares.count_of("a")) == (0, 0)
