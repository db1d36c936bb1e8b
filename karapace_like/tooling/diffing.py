"""`diff`: two versions of a schema from files or a registry, and their differences as lines of text."""

from karapace_like.explanation.excerpts import make_printable
from karapace_like.schema import diffing, formats
from karapace_like.schema.diffing import Difference, ParsedVersion
from karapace_like.schema.model import InvalidSchemaError, Strictness, UnparsedSchema
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.errors import ToolError


def compare_versions(old: Earlier, new: Earlier) -> Difference:
    """Return the differences; raises ToolError for schemas of two types or one that cannot be parsed."""
    if old.type is not new.type:
        raise ToolError(f"The old schema is {old.type} and the new one is {new.type}: compare schemas of one type.")
    return diffing.compare_versions(_parse(old), _parse(new))


def format_lines(difference: Difference) -> str:
    """Return the differences as lines of text."""
    lines = [change.sentence for change in difference.changes] or ["No differences"]
    for name, reasons, reads in (
        ("BACKWARD", difference.backward, "the new schema reads old data"),
        ("FORWARD", difference.forward, "the old schema reads new data"),
    ):
        lines.append(f"{name}: {'incompatible' if reasons else f'compatible, {reads}'}")
        lines += [f"  {reason}" for reason in reasons]
    return "\n".join(map(make_printable, lines)) + "\n"


def _parse(version: Earlier) -> ParsedVersion:
    schema = UnparsedSchema(version.type, version.source.text)
    try:
        parsed = formats.parse(schema, version.source.dependencies, Strictness.STORED)
    except InvalidSchemaError as error:
        raise ToolError(f"{version.paths.get('', 'A version')} cannot be read: {error}") from error
    return ParsedVersion(parsed, version.source.text, version.source.dependencies)
