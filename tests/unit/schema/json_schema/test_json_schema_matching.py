"""The matching that pairs alternatives, against trying every assignment."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from karapace_like.schema.json_schema.matching import matching_size

GRAPHS = st.lists(st.lists(st.integers(0, 4), unique=True, max_size=5), max_size=5)


@given(GRAPHS)
def test_no_assignment_pairs_more(partners: list[list[int]]) -> None:
    def paired(assignment: tuple[int, ...]) -> int:
        return sum(right in fitting for fitting, right in zip(partners, assignment, strict=False))

    assert matching_size(partners) == max(map(paired, permutations(range(5))))


def test_long_augmenting_paths_need_no_recursion() -> None:
    size = 5000
    partners = [[left, left + 1] for left in range(size)]
    assert matching_size([*partners, [0]]) == size + 1
