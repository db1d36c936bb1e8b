"""Token buckets, at times that the test says."""

import pytest

from karapace_like.access.quotas import Quota, Quotas
from karapace_like.errors import ApiError


def test_a_debt_is_made_good_by_waiting() -> None:
    """Ten seconds' worth may be used at once, and what is more is waited for."""
    quota = Quota(5)
    quota.spend("a", 50, 100)
    assert quota.wait("a", 100) == 0
    quota.spend("a", 20, 100)
    assert quota.wait("a", 100) == 4
    assert quota.wait("b", 100) == 0
    assert quota.wait("a", 103) == 1
    assert quota.wait("a", 105) == 0


def test_what_is_not_used_is_not_saved_for_longer() -> None:
    quota = Quota(5)
    quota.spend("a", 1, 0)
    quota.spend("a", 60, 1_000_000)
    assert quota.wait("a", 1_000_000) == 2


def test_no_quota_is_no_bound() -> None:
    """Passes if no request is refused."""
    quotas = Quotas()
    quotas.charge("a", 10**12, 0)
    for _ in range(1000):
        quotas.admit("a", 0)


def test_requests_and_bytes_count_each_for_itself() -> None:
    quotas = Quotas(requests=1, bytes_=10)
    quotas.admit("a", 0)
    quotas.charge("a", 125, 0)
    with pytest.raises(ApiError) as refused:
        quotas.admit("a", 0)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, 42901, 3)
    quotas.admit("a", 3)


def test_what_is_remembered_is_bounded() -> None:
    """Who was not there for longest begins anew."""
    quota = Quota(1)
    for each in range(20_000):
        quota.spend(str(each), 11, 0)
    assert (quota.wait("0", 0), quota.wait("19999", 0)) == (0, 1)
