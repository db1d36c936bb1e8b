"""Examples of a report: three schemas for each problem, within a number of documents."""

from karapace_like.tooling.example_budget import ExampleBudget


def test_three_schemas_with_one_problem_have_examples() -> None:
    budget = ExampleBudget()
    assert [budget.spend("a", 1) for _ in range(5)] == [True, True, True, False, False]
    assert budget.spend("b", 1)


def test_searches_read_so_many_documents_for_each_schema() -> None:
    budget = ExampleBudget()
    budget.grant(100)
    allowed = [budget.spend(number, 300) for number in range(20)]
    assert sum(allowed) * 300 <= 1_000 + 12 * 100 < (sum(allowed) + 1) * 300
    assert budget.spend("a smaller one", 1)
