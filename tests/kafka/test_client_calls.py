"""Every call of Kafka's client in the Kafka room is under its wall: what it raises is translated."""

import ast
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

import karapace_like.kafka

ROOM = Path(karapace_like.kafka.__file__).parent
APART = {"broker.py"}
"""Of the embedded Kafka, which has an error of its own for a broker that does not start."""
CLASSES = {"Consumer", "Producer", "AdminClient", "ShareConsumer"}
METHODS = {
    name
    for client in (confluent_kafka.Consumer, confluent_kafka.Producer, confluent_kafka.ShareConsumer, AdminClient)
    for name in dir(client)
    if not name.startswith("_")
}
CONVERTED = {"TopicPartition", "NewTopic", "NewPartitions", "ConfigResource", "ConfigEntry", "TopicCollection"}
"""What arguments are made of, and refuses those that it has no room for."""
APART_CALLS = {
    "async_producer.py": ["self._client.produce", "self._client.produce"],
    "transactional_producers.py": ["producer.commit_transaction", "producer.abort_transaction"],
}
"""Handing one record over is translated without a block, for speed: see `test_odd_records`. The end of a transaction is
translated where the error says what to do: abort, try again, or give up."""
HARMLESS = {
    *("to_thread", "call_in_thread", "wrap_future", "_await_with_nudges", "result", "latest", "earliest"),
    *("client_options", "callback", "failure", "append", "int", "str", "len", "TopicSettings"),
}
"""What waits for the client, or has nothing to do wrong."""
CALLERS = {"call", "make", "see_through", "see_through_apart", "_call", "call_for_topics", "call_in_thread"}
"""Functions that call what they are given under the wall."""


def modules() -> list[Path]:
    """Those that import the client library."""
    found = (each for each in sorted(ROOM.rglob("*.py")) if each.name not in APART)
    return [each for each in found if "from confluent_kafka" in each.read_text()]


class Module(ast.NodeVisitor):
    """Looks for what is done with clients, and where."""

    def __init__(self, source: Path) -> None:
        tree = ast.parse(source.read_text())
        self.names: dict[str, str] = {}
        """What the module calls the client library's classes -> their own names."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("confluent_kafka"):
                self.names |= {each.asname or each.name: each.name for each in node.names}
        self.clients = clients(tree, self.names)
        self.outside: list[str] = []
        """What is done with clients outside of the wall."""
        self.others: list[ast.Call] = []
        """Calls of anything else within."""
        self._depth = 0
        self.visit(tree)

    def visit_With(self, node: ast.With) -> None:
        """A block, which may be under the wall."""
        is_guarded = any(
            isinstance(each.context_expr, ast.Call) and ast.unparse(each.context_expr.func) == "translate.failures"
            for each in node.items
        )
        self._depth += is_guarded
        self.generic_visit(node)
        self._depth -= is_guarded
        if is_guarded:
            inside = (each for statement in node.body for each in ast.walk(statement))
            self.others += [each for each in inside if isinstance(each, ast.Call) and not self._is_of_client(each)]

    def visit_Call(self, node: ast.Call) -> None:
        """A call: of the client's, or of something that calls the client's method that it is given."""
        name = ast.unparse(node.func).rpartition(".")[2]
        if isinstance(node.func, ast.Name) and self.names.get(node.func.id) in CLASSES | CONVERTED:
            self._check(node)
        self.visit(node.func)
        self._depth += name in CALLERS
        for each in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self.visit(each)
        self._depth -= name in CALLERS

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function's body runs when it is called, not where it is defined."""
        depth, self._depth = self._depth, 0
        self.generic_visit(node)
        self._depth = depth

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment] # noqa: N815 - the visitor's

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A method of a client, called or handed on."""
        owner = ast.unparse(node.value)
        if node.attr in METHODS and (owner in self.clients or owner.endswith("client.current")):
            self._check(node)
        self.generic_visit(node)

    def _is_of_client(self, node: ast.Call) -> bool:
        match node.func:
            case ast.Name(id=name):
                return self.names.get(name) in CLASSES | CONVERTED
            case ast.Attribute(attr=name, value=value):
                return name in METHODS and ast.unparse(value) in self.clients
        return False

    def _check(self, node: ast.expr) -> None:
        if not self._depth:
            self.outside.append(f"line {node.lineno}: {ast.unparse(node)}")


def clients(tree: ast.AST, names: dict[str, str]) -> set[str]:
    """How the module calls clients: by what they are annotated as, or made by."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    makers = {each.name for each in functions if is_client(each.returns, names)}
    known: set[str] = set()
    before = -1
    while len(known) > before:  # until no name is given to a client any more
        before = len(known)
        for node in ast.walk(tree):
            known |= newly_named(node, names, makers, known)
    return known


def newly_named(node: ast.AST, names: dict[str, str], makers: set[str], known: set[str]) -> set[str]:
    """The names that the statement gives to clients."""
    match node:
        case ast.arg(arg=name, annotation=annotation) if is_client(annotation, names):
            return {name}
        case ast.AnnAssign(target=target, annotation=annotation) if is_client(annotation, names):
            return {ast.unparse(target)}
        case ast.Assign(targets=targets, value=value) if gives_client(value, names, makers, known):
            each = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
            return set(map(ast.unparse, each))
        case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)) if gives_client(
            value.args[0] if isinstance(value, ast.Call) and ast.unparse(value.func) == "closing" else value,
            names,
            makers,
            known,
        ):
            return {name}
    return set()


def is_client(annotation: ast.AST | None, names: dict[str, str]) -> bool:
    """Whether a client's class is in the annotation."""
    found = () if annotation is None else ast.walk(annotation)
    return any(names.get(each.id) in CLASSES for each in found if isinstance(each, ast.Name))


def gives_client(node: ast.AST, names: dict[str, str], makers: set[str], known: set[str]) -> bool:
    """Whether the value is a client, or has one among several."""
    match node:
        case ast.Tuple(elts=elements):
            return any(gives_client(each, names, makers, known) for each in elements)
        case ast.Call(func=ast.Name(id=name)):
            return names.get(name) in CLASSES
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in makers
        case ast.Name() | ast.Attribute():
            return ast.unparse(node) in known
    return False


@pytest.mark.parametrize("source", modules(), ids=lambda source: source.relative_to(ROOM).as_posix())
def test_every_call_of_the_client_is_translated(source: Path) -> None:
    """Made in a block of `translate.failures()`, or by what calls it in one."""
    outside = [each.partition(": ")[2] for each in Module(source).outside]
    assert outside == APART_CALLS.get(source.name, [])


@pytest.mark.parametrize("source", modules(), ids=lambda source: source.relative_to(ROOM).as_posix())
def test_nothing_else_is_under_the_wall(source: Path) -> None:
    """A mistake in code of ours would be told to a caller as his."""
    others = [each for each in Module(source).others if ast.unparse(each.func).rpartition(".")[2] not in HARMLESS]
    assert [ast.unparse(each) for each in others] == []


def test_the_clients_are_found() -> None:
    """The test above would see nothing where no client is known by its name."""
    found = {each.relative_to(ROOM).as_posix(): Module(each).clients for each in modules()}
    assert {"self._client", "client"} <= found["active_consumer.py"]
    assert {"self._consumer", "previous"} <= found["log_topic_reader.py"]
    assert {"self._client"} <= found["log_topic_admin.py"]
    assert {"self._plain", "producer"} <= found["log_topic_writer.py"]
    assert {"self._client", "old"} <= found["reader.py"]
    assert {"self._client"} <= found["async_producer.py"]
    assert {"self.current"} <= found["admin/shared_client.py"]


def test_a_call_outside_is_found(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text(
        "from confluent_kafka import Consumer as Client, TopicPartition\n"
        "from karapace_like.kafka import translate\n"
        "def f(client: Client, run):\n"
        "    with translate.failures():\n"
        "        client.assign([TopicPartition('a', 0)])\n"
        "    client.poll(0)\n"
        "    run(client.close)\n"
        "    calls.make(client.commit, TopicPartition('a', 0))\n"
        "    return Client({}), TopicPartition('a', 1)\n"
    )
    assert Module(source).outside == [
        "line 6: client.poll",
        "line 7: client.close",
        "line 9: Client({})",
        "line 9: TopicPartition('a', 1)",
    ]
