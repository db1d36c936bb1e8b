"""JSON that means the same is written the same, and what is written means what was sent."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.serde.json_forms import write_key_numbers, write_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(VALUES)
def test_escaped_and_plain_strings_have_one_form(value: Any) -> None:
    """Either way, and with an escaped solidus, which few libraries write."""
    plain, escaped = (json.dumps(value, ensure_ascii=escapes) for escapes in (False, True))
    written = write_value(plain.encode())
    assert write_value(escaped.encode()) == write_value(escaped.replace("/", "\\/").encode()) == written
    assert write_value(written) == written
    assert json.loads(written) == value


@given(st.lists(DECIMALS, max_size=4))
def test_a_key_number_keeps_its_value(numbers: list[str]) -> None:
    written = write_key_numbers(f"[{','.join(numbers)}]".encode())
    assert write_key_numbers(written) == written
    after = json.loads(written, parse_float=Decimal, parse_int=Decimal)
    assert after == [Decimal(number) for number in numbers]


@pytest.mark.parametrize(
    ("spellings", "written"),
    [
        (["1.0", "1.00", "1e0", "10E-1", "1E+0"], "1.0"),
        (["1"], "1"),
        (["-0"], "0"),
        (["0.0", "-0.0", "0e5"], "0.0"),
        (["0.001", "1e-3"], "0.001"),
        (["0.00099", "99E-5"], "9.9E-4"),
        (["9999999.0", "9999999.00"], "9999999.0"),
        (["1e7", "10000000.0"], "1.0E7"),
        (["12345678.9"], "1.23456789E7"),
        (["1.7976931348623157e308"], "1.7976931348623157E308"),
        (["0.10000000000000000000001"], "0.10000000000000000000001"),
        (["1e400"], "1e400"),
        (["1e-99999999999999999999"], "1e-99999999999999999999"),
        (["1e99999999999999999999"], "1e99999999999999999999"),
        (['{"1.00":"1.00","a":1.00}'], '{"1.00":"1.00","a":1.0}'),
        (['"1.00"'], '"1.00"'),
        (['["\\\\",1.00,"\\"1.00"]'], '["\\\\",1.0,"\\"1.00"]'),
    ],
)
def test_a_number_in_a_key_is_written_as_java_writes_a_double_if_it_is_one(spellings: list[str], written: str) -> None:
    assert {write_key_numbers(spelling.encode()) for spelling in spellings} == {written.encode()}
