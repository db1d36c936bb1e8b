"""Subjects and contexts: one spelling each, and settings looked for from near to far."""

import pytest

from karapace_like.registry import names
from karapace_like.registry.errors import RegistryError


@pytest.mark.parametrize(
    ("subject", "context", "local", "canonical"),
    [
        ("a", ".", "a", "a"),
        (":.ctx:a", ".ctx", "a", ":.ctx:a"),
        (":.:a", ".", "a", "a"),
        (":.ctx:", ".ctx", "", ":.ctx:"),
        (":.ctx:a:b", ".ctx", "a:b", ":.ctx:a:b"),
        ("a:b", ".", "a:b", "a:b"),
        (":a", ".", ":a", ":a"),
        ("", ".", "", ""),
    ],
)
def test_a_name_is_a_context_and_a_local_name(subject: str, context: str, local: str, canonical: str) -> None:
    """Qualified names are split, the default context is never spelled out."""
    assert (names.context_of(subject), names.local_name(subject), names.canonical(subject)) == (
        context,
        local,
        canonical,
    )


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("a", ["a", None, names.GLOBAL_SCOPE]),
        (":.ctx:a", [":.ctx:a", ":.ctx:", names.GLOBAL_SCOPE]),
        (":.ctx:", [":.ctx:", names.GLOBAL_SCOPE]),
        (None, [None, names.GLOBAL_SCOPE]),
    ],
)
def test_settings_are_looked_for_from_near_to_far(subject: str | None, expected: list[str | None]) -> None:
    """The subject, its context, everything."""
    assert names.scopes(subject) == expected


@pytest.mark.parametrize("subject", ["__GLOBAL", "__EMPTY", ":.ctx:__GLOBAL", "a\x00b", "tab\t", ":*:a", ":*:"])
def test_reserved_and_unprintable_names_are_refused(subject: str) -> None:
    """42208."""
    with pytest.raises(RegistryError) as raised:
        names.check(subject)
    assert raised.value.code == 42208


@pytest.mark.parametrize(
    ("reference", "referrer", "expected"),
    [("a", "b", "a"), ("a", ":.ctx:b", ":.ctx:a"), (":.x:a", ":.ctx:b", ":.x:a"), (":.:a", ":.ctx:b", "a")],
)
def test_an_unqualified_reference_stays_in_the_context(reference: str, referrer: str, expected: str) -> None:
    """A qualified one may leave it."""
    assert names.resolve_reference(reference, referrer) == expected
