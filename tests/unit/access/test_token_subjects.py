"""Whose a token is: issuer and subject, as it claims them."""

import base64

import pytest

from karapace_like.access import credentials
from karapace_like.secret import Secret


def read_claims(claims: str) -> tuple[str, str] | None:
    encoded = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    return credentials.read_subject(Secret(f"header.{encoded}.signature"))


def test_a_renewed_token_is_of_the_same_subject() -> None:
    expected = ("https://issuer", "alice")
    assert read_claims('{"iss": "https://issuer", "sub": "alice", "exp": 1}') == expected
    assert read_claims('{"exp": 2, "sub": "alice", "iss": "https://issuer", "jti": "b"}') == expected
    assert read_claims('{"sub": "alice"}') == ("", "alice")


@pytest.mark.parametrize(
    "claims", ["{}", '{"sub": ""}', '{"sub": 1}', '{"sub": null}', '{"iss": "a"}', "[]", "no JSON"]
)
def test_a_token_without_a_subject_is_nobodys(claims: str) -> None:
    assert read_claims(claims) is None


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.!.c", "a..c", "a.\udcff.c"])
def test_a_token_that_is_no_jwt_is_nobodys(text: str) -> None:
    assert credentials.read_subject(Secret(text)) is None
