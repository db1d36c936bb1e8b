"""A mapping that forgets."""

from karapace_like.recent import Recent


def test_what_was_not_used_for_longest_goes() -> None:
    """Reading counts as use."""
    recent: Recent[str, int] = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.get("a") == 1
    recent.keep("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
