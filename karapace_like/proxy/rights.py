"""What a caller may do with the subjects of the registry: every call that uses a schema takes its caller's rights."""

from typing import NamedTuple, Protocol

from karapace_like.errors import ApiError


class KeyRights(Protocol):
    """The rights of one caller to key encryption keys (KEKs), by their names."""

    def may_encrypt(self, kek_name: str) -> bool:
        """Return whether records of the caller may be encrypted with DEKs of the KEK, which are created if need be."""
        ...

    def may_decrypt(self, kek_name: str, *, is_shared: bool, shows_secrets: bool) -> bool:
        """Return whether the caller may read what is encrypted with the KEK: whether the API of keys lets them.

        That hands out the DEKs of a KEK that `is_shared`, and the secrets of others where it `shows_secrets` to all.
        """
        ...

    def may_create_kek(self, kek_name: str) -> bool:
        """Return whether the caller may create the KEK."""
        ...


class SubjectRights(KeyRights, Protocol):
    """The rights of one caller. Subjects are canonical names."""

    def may_read(self, subject: str) -> bool:
        """Return whether the caller may read the subject's schemas."""
        ...

    def require_reading(self, subject: str) -> None:
        """Raise ApiError (403) unless the caller may read the subject's schemas."""
        ...

    def require_registering(self, subject: str) -> None:
        """Raise ApiError (403) unless the caller may register schemas in the subject, or find them registered."""
        ...

    async def may_write_topic(self, topic: str) -> bool:
        """Return whether the caller may write to the topic; raises ApiError where that cannot be decided."""
        ...

    async def refuse_new(self, subject: str) -> ApiError | None:
        """Return why the caller may only find schemas that the subject has; None if they may add one.

        Called where a schema is about to be registered. Raises ApiError where that cannot be decided.
        """
        ...


class _AllSubjects:
    """The rights to every subject."""

    def may_encrypt(self, _: str) -> bool:
        return True

    def may_decrypt(self, _: str, *, is_shared: bool, shows_secrets: bool) -> bool:
        return is_shared or shows_secrets

    def may_create_kek(self, _: str) -> bool:
        return True

    def may_read(self, _: str) -> bool:
        return True

    def require_reading(self, _: str) -> None:
        pass

    def require_registering(self, _: str) -> None:
        pass

    async def may_write_topic(self, _: str) -> bool:
        return True

    async def refuse_new(self, _: str) -> None:
        pass


ALL_SUBJECTS: SubjectRights = _AllSubjects()
"""For callers without restrictions. These callers share what depends on the rights of a caller."""


class _NoKeys:
    """The rights to no key."""

    def may_encrypt(self, _: str) -> bool:
        return False

    def may_decrypt(self, _: str, *, is_shared: bool, shows_secrets: bool) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def may_create_kek(self, _: str) -> bool:
        return False


NO_KEY_RIGHTS: KeyRights = _NoKeys()
"""For records that are passed on byte for byte: nothing of them is encrypted here."""


class TopicReaderRights(NamedTuple):
    """The rights of a caller who reads records of a topic: whoever may read those may see the topic's own schemas."""

    rights: SubjectRights
    subject: str
    """The topic's subject for keys, or for values."""

    def may_read(self, subject: str) -> bool:
        """Return whether it is the topic's own subject, or one that the caller may read."""
        return subject == self.subject or self.rights.may_read(subject)

    def require_reading(self, subject: str) -> None:
        """Raise ApiError (403) unless `may_read`."""
        if subject != self.subject:
            self.rights.require_reading(subject)

    def require_registering(self, subject: str) -> None:
        """Raise ApiError (403) unless the caller may register in the subject: reading records gives no right to."""
        self.rights.require_registering(subject)

    async def may_write_topic(self, topic: str) -> bool:
        """Return whether the caller may write to the topic."""
        return await self.rights.may_write_topic(topic)

    async def refuse_new(self, subject: str) -> ApiError | None:
        """Return why the caller may not add a schema to the subject."""
        return await self.rights.refuse_new(subject)

    def may_encrypt(self, kek_name: str) -> bool:
        """Return whether records of the caller may be encrypted with the KEK."""
        return self.rights.may_encrypt(kek_name)

    def may_decrypt(self, kek_name: str, *, is_shared: bool, shows_secrets: bool) -> bool:
        """Return whether the caller may read what is encrypted with the KEK: reading the topic gives no right to."""
        return self.rights.may_decrypt(kek_name, is_shared=is_shared, shows_secrets=shows_secrets)

    def may_create_kek(self, kek_name: str) -> bool:
        """Return whether the caller may create the KEK."""
        return self.rights.may_create_kek(kek_name)
