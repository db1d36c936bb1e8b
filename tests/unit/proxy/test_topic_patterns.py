"""Patterns that callers subscribe to: what they match, and what none may cost."""

import resource

import pytest

from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.topic_patterns import MAX_PATTERN, TopicPattern

NAMES = ("a", "aa", "b", "shop.orders-1", "A")


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("a", ["a"]),
        ("a*", ["a", "aa"]),
        ("^a+$", ["a", "aa"]),
        ("a|b", ["a", "b"]),
        ("(?i)A", ["a", "A"]),
        (r"shop\..*-\d", ["shop.orders-1"]),
        (r"\Qshop.\E[a-z]+-[0-9]{1,3}", ["shop.orders-1"]),
        ("", []),
        (".*", list(NAMES)),
    ],
)
async def test_a_pattern_selects_whole_names(text: str, selected: list[str]) -> None:
    assert await TopicPattern(text).select(NAMES) == selected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("((a{1,100}){1,100}){1,60}", "invalid repetition size"),
        ("((((((((((a{1,2}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9})", "invalid repetition size"),
        ("(" * 500 + ".{1,9}" + "){1,9}" * 1, "missing"),
        (r"(\p{L}{1,40}){1,25}", "too large"),
        ("(?=a)b", "neither look-around nor back-references"),
        (r"(a)\1", "neither look-around nor back-references"),
        ("((", r"missing \)"),
        ("a\ud800", "unpaired surrogate"),
        ("a" * (MAX_PATTERN + 1), "1,001 characters; at most 1,000"),
    ],
)
def test_a_pattern_that_cannot_be_matched_in_bounds_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ProxyError, match=reason) as caught:
        TopicPattern(text)
    assert caught.value.code == 422


async def test_patterns_cost_little_memory() -> None:
    """Two hundred different ones, each as large as one may be: only the last compiled ones are kept."""
    names = [f"{'ab' * 60}{number}" for number in range(3)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(200):
        await TopicPattern(f"(.*[ab]){{30}}.{{{600 + number}}}").select(names)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
