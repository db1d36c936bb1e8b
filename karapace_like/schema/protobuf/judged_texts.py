"""What protoc has accepted in one run: the files that an accepted text imports need no judgement of their own."""

from collections.abc import Mapping

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf import compiler


class JudgedTexts:
    """Texts that protoc has accepted, each with the texts of all that was there to be imported."""

    def __init__(self) -> None:
        self._accepted: dict[str, Mapping[str, str]] = {}
        """Author's text -> import path -> author's text."""
        self._folder = compiler.SourceFolder()

    def is_accepted(self, text: str, imported: Mapping[str, str]) -> bool:
        """Return whether protoc has accepted an author's text together with these of all files that it imports."""
        beside = self._accepted.get(text)
        return beside is not None and all(beside.get(path) == other for path, other in imported.items())

    def accept(self, text: str, own: str, imported: Mapping[str, str], sources: Mapping[str, str]) -> bool:
        """Return whether protoc accepts a text and the files that it imports, all as their authors wrote them.

        `own` is what protoc reads of the text, and `sources` of the files. A refusal is no verdict: it may be that of a
        file for which another text has to stand.
        """
        try:
            compiler.judge(own, sources, sources=self._folder)
        except InvalidSchemaError:
            return False
        self._accepted[text] = imported
        for other in imported.values():
            self._accepted.setdefault(other, imported)
        return True
