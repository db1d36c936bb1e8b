"""The closure of references: complete, dependencies first, and never endless."""

import pytest

from karapace_like.schema import references
from karapace_like.schema.model import InvalidSchemaError, Reference, SchemaType, Subject, UnparsedSchema, Version
from karapace_like.schema.references import CyclicReferenceError, MissingReferenceError, closure


def schema(text: str, *subjects: str) -> UnparsedSchema:
    return UnparsedSchema(
        SchemaType.AVRO, text, tuple(Reference(f"name-{each}", Subject(each), Version(1)) for each in subjects)
    )


def test_dependencies_come_before_those_that_use_them() -> None:
    """Each once, also in a diamond."""
    registered = {"a": schema("A", "b", "c"), "b": schema("B", "d"), "c": schema("C", "d"), "d": schema("D")}
    found = closure(schema("root", "a"), lambda reference: registered[reference.subject])
    assert list(found.items()) == [("name-d", "D"), ("name-b", "B"), ("name-c", "C"), ("name-a", "A")]


def test_a_schema_without_references_needs_nothing() -> None:
    """And nobody is asked."""
    assert closure(schema("root"), lambda _: pytest.fail("asked")) == {}


def test_a_missing_reference_is_named() -> None:
    """The one that is missing, however deep."""
    registered = {"a": schema("A", "gone")}
    with pytest.raises(MissingReferenceError) as raised:
        closure(schema("root", "a"), lambda reference: registered.get(reference.subject))
    assert raised.value.reference.subject == "gone"


@pytest.mark.parametrize("registered", [{"a": schema("A", "a")}, {"a": schema("A", "b"), "b": schema("B", "a")}])
def test_a_cycle_is_an_error(registered: dict[str, UnparsedSchema]) -> None:
    """Of any length."""
    with pytest.raises(CyclicReferenceError):
        closure(schema("root", "a"), lambda reference: registered[reference.subject])


def test_a_long_chain_is_no_problem_and_an_endless_one_is_refused() -> None:
    """There is a limit instead of a deep recursion."""

    def look_up(reference: Reference) -> UnparsedSchema:
        return (
            schema(reference.subject, str(int(reference.subject) + 1))
            if int(reference.subject) < length
            else schema("")
        )

    length = 5000
    assert len(closure(schema("root", "0"), look_up)) == length + 1
    length = references.MAX_REFERENCES + 1
    with pytest.raises(InvalidSchemaError):
        closure(schema("root", "0"), look_up)


def test_the_first_text_of_a_name_wins() -> None:
    """As the reference registry does."""
    one, two = (Reference("same", Subject(each), Version(1)) for each in ("a", "b"))
    root = UnparsedSchema(SchemaType.AVRO, "root", (one, two))
    assert closure(root, lambda reference: schema(reference.subject)) == {"same": "a"}
