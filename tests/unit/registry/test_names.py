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


@pytest.mark.parametrize(
    ("subject", "referrer", "expected"),
    [
        ("a", ":.ctx:b", True),
        (":.x:a", ":.ctx:b", True),
        (":.:a", "b", True),
        (":.:a", ":.:b", True),
        (":.:a", ":.ctx:b", False),
        (":.", ":.ctx:b", False),
        ("a:b", ":.ctx:b", True),
    ],
)
def test_the_default_context_is_spelled_out_only_inside_of_it(subject: str, referrer: str, expected: bool) -> None:  # noqa: FBT001 - a column
    """As the reference registry reads it."""
    assert names.is_referable(subject, referrer) is expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("a", "c"),
        (":.:a", "c"),
        ("c", "c"),
        (":.x:a", ":.x:b"),
        (":.x:home", "c"),
        (":.x:away", ":.y:b"),
        ("loop", "loop"),
        ("itself", "itself"),
        ("to-itself", "itself"),
        ("to-loop", "to-loop"),
        ("0", "10"),
    ],
)
def test_an_alias_is_relative_to_the_subject_that_has_it(subject: str, expected: str) -> None:
    """Followed from one to the next, but in no circle, and not for ever."""
    aliases = {
        "a": "b",
        "b": ":.:c",
        ":.x:a": "b",
        ":.x:home": ":.:a",
        ":.x:away": ":.y:b",
        "loop": "pool",
        "pool": "loop",
        "to-loop": "loop",
        "itself": "itself",
        "to-itself": "itself",
        "empty": "",
        **{str(number): str(number + 1) for number in range(20)},
    }
    assert names.resolve_alias(subject, aliases.get) == expected
