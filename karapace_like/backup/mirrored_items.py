"""What a mirror copies beside versions and configs: associations, KEKs, DEKs and topic policies.

Each kind is a set of named values that are read, put and deleted through the API. Where the target has another value
under the name of one in the source, and the mirror has not written it, another client owns it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from karapace_like.backup import associations, key_archives, registry_state
from karapace_like.backup.key_archives import BASE, describe_dek, describe_kek, is_same_kek, name_dek
from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.client.topic_policies import fetch_policies
from karapace_like.keys.keys import Dek, Kek
from karapace_like.keys.store import KeyStore
from karapace_like.policies.policy import TopicPolicy
from karapace_like.registry.associations import Association, Lifecycle
from karapace_like.registry.store import Store

Values = Mapping[str, Any]
"""Name -> value."""
_NOT_SERVED = frozenset({404, 405})
_GONE = frozenset({404, 410})


class Kind(Protocol):
    """One kind of items, with those of the source."""

    name: str
    wanted: Values
    """In the order of their creation; they are deleted in the opposite one."""

    def is_same(self, wanted: Any, present: Any) -> bool:
        """Return whether the target's item needs no change."""
        ...

    async def read(self, client: RegistryClient) -> Values:
        """Return the items of the target."""
        ...

    async def put(self, client: RegistryClient, name: str, present: Any) -> None:
        """Make the item that of the source; `present` is the target's, None where there is none."""
        ...

    async def delete(self, client: RegistryClient, present: Any) -> None:
        """Delete the item."""
        ...


class ItemRound:
    """The changes of one kind in one round."""

    def __init__(self, client: RegistryClient, kind: Kind, present: Values, owned: Collection[str]) -> None:
        """`owned` are the names that the mirror has written."""
        self._client = client
        self._kind = kind
        self._present = present
        self.owned = list(owned)
        self.changes = 0
        self.refused: list[str] = []
        """One line for each change that the target rejected."""

    def find_foreign(self) -> Iterator[str]:
        """Yield a line for each item of another writer that has the name of one in the source."""
        for name, wanted in self._kind.wanted.items():
            if name not in self.owned and name in self._present and not self._is_same(name, wanted):
                yield f"{name} has other properties than in the source, and is not of this mirror"

    def plan(self) -> Iterator[str]:
        """Yield a line for each change."""
        yield from (f"delete {name}" for name in self._list_doomed_names() if name in self._present)
        for name in self.list_lacking_names():
            yield f"{'change' if name in self._present else 'create'} {name}"

    def list_lacking_names(self) -> Sequence[str]:
        """Return the names of the items that the target lacks, or has in another way."""
        return [name for name, wanted in self._kind.wanted.items() if not self._is_same(name, wanted)]

    async def delete(self) -> None:
        """Delete the items of the mirror that the source has no longer."""
        for name in self._list_doomed_names():
            if name in self._present and not await self._try(
                f"deletion of {name}", self._kind.delete(self._client, self._present[name]), _GONE
            ):
                continue
            self.owned.remove(name)

    async def put(self) -> None:
        """Create and change items. One that another writer has put there in the same way is left to that writer."""
        for name in self.list_lacking_names():
            done = await self._try(name, self._kind.put(self._client, name, self._present.get(name)))
            if done and name not in self.owned:
                self.owned.append(name)

    def _list_doomed_names(self) -> Sequence[str]:
        wanted = self._kind.wanted
        order = {name: at for at, name in enumerate(self._present)}
        return sorted((name for name in self.owned if name not in wanted), key=lambda name: -order.get(name, 0))

    def _is_same(self, name: str, wanted: Any) -> bool:
        return name in self._present and self._kind.is_same(wanted, self._present[name])

    async def _try(self, what: str, change: Any, accepted: Collection[int] = ()) -> bool:
        """Return whether the change was made, or is no longer needed, as a status says that is `accepted`."""
        try:
            await change
        except RefusedError as error:
            if error.status >= 500:
                raise
            if error.status not in accepted:
                self.refused.append(f"{what}: {error}")
                return False
        self.changes += 1
        return True


class Associations:
    """Associations.

    Strong ones are created with a schema, which import mode refuses: they follow with the promotion.
    """

    name = "associations"

    def __init__(self, wanted: Mapping[str, Association], versions: Store, *, is_promotion: bool = False) -> None:
        """A strong association is created with a schema of `versions`."""
        self._versions = versions
        self.wanted: Values = {
            name: association
            for name, association in wanted.items()
            if is_promotion or association.lifecycle is Lifecycle.WEAK
        }

    def is_same(self, wanted: Association, present: Association) -> bool:
        """Return whether both have the same properties."""
        return wanted == present

    async def read(self, client: RegistryClient) -> Values:
        """Return those of the target."""
        store = Store()
        await registry_state.read_associations(client, store)
        return associations.identify(store)

    async def put(self, client: RegistryClient, name: str, present: Association | None) -> None:
        """Create the association, after the deletion of one with other properties."""
        if present is not None:
            await self.delete(client, present)
        creation = associations.make_creation(self.wanted[name], self._versions)
        await client.ask(creation.method, path(*creation.path), creation.body)

    async def delete(self, client: RegistryClient, present: Association) -> None:
        """Delete the association of its resource."""
        resource = present.resource
        where = path("associations", "resources", resource.id or "")
        await client.ask("DELETE", where, resourceType=resource.type, associationType=present.association_type)


class Policies:
    """Topic policies, which are those of the topics of the same name at the target."""

    name = "policies"

    def __init__(self, wanted: Mapping[str, TopicPolicy]) -> None:
        self.wanted: Values = {_POLICY + name: (name, policy) for name, policy in wanted.items()}

    def is_same(self, wanted: Any, present: Any) -> bool:
        """Return whether both say the same."""
        return bool(wanted == present)

    async def read(self, client: RegistryClient) -> Values:
        """Return those of the target; none where it has no policies."""
        return {_POLICY + name: (name, policy) for name, policy in (await fetch_policies(client) or {}).items()}

    async def put(self, client: RegistryClient, name: str, _: Any) -> None:
        """Set the policy, even where it changes what keys are."""
        topic, policy = self.wanted[name]
        await client.ask("PUT", path("policies", topic), msgspec.to_builtins(policy), force="true")

    async def delete(self, client: RegistryClient, present: Any) -> None:
        """Delete the policy."""
        await client.ask("DELETE", path("policies", present[0]), force="true")


_POLICY = "policy of "


class _SoftDeletion(msgspec.Struct, frozen=True):
    """The soft deletion of a KEK, which has to be live while its DEKs are created."""

    kek_name: str


class Keys:
    """KEKs and DEKs, as they are wrapped. Each KEK comes before its DEKs, and its soft deletion after them."""

    name = "keys"

    def __init__(self, wanted: KeyStore, rename: Callable[[str], str | None]) -> None:
        """`rename` returns the name that a subject has in the target; None for one that is not mirrored."""
        self.wanted: Values = _list_keys(wanted, rename)

    def is_same(self, wanted: Any, present: Any) -> bool:
        """Return whether both are the same key, in the same state."""
        if isinstance(wanted, Kek) and isinstance(present, Kek):
            return is_same_kek(wanted, present)
        return bool(wanted == present)

    async def read(self, client: RegistryClient) -> Values:
        """Return those of the target; none where it has no DEK registry."""
        store = await read_keys(client)
        return {} if store is None else _list_keys(store, lambda subject: subject)

    async def put(self, client: RegistryClient, name: str, present: Any) -> None:
        """Create the key, or change it; a DEK that is wrapped in another way is created again."""
        match self.wanted[name]:
            case _SoftDeletion(kek_name):
                await client.ask("DELETE", path(*BASE, kek_name))
            case Kek() as kek if present is None:
                await client.ask("POST", path(*BASE), describe_kek(kek))
            case Kek() as kek:
                changes = {"kmsProps": dict(kek.kms_props), "doc": kek.doc, "shared": kek.shared}
                await client.ask("PUT", path(*BASE, kek.name), changes)
            case Dek() as dek:
                await self._put_dek(client, dek, present)

    async def _put_dek(self, client: RegistryClient, dek: Dek, present: Dek | None) -> None:
        where = _locate(dek)
        if present is not None and present.wrapped == dek.wrapped:
            if dek.deleted:
                await client.ask("DELETE", where, algorithm=dek.id.algorithm)
            else:
                await client.ask("POST", f"{where}/undelete", algorithm=dek.id.algorithm)
            return
        if present is not None:
            await self._delete_dek(client, present)
        await client.ask("POST", path(*BASE, dek.id.kek_name, "deks", dek.id.subject), describe_dek(dek))

    async def delete(self, client: RegistryClient, present: Any) -> None:
        """Delete the key permanently."""
        match present:
            case _SoftDeletion(kek_name):
                await client.ask("POST", path(*BASE, kek_name, "undelete"))
            case Kek(name=name):
                await client.ask("DELETE", path(*BASE, name))
                await client.ask("DELETE", path(*BASE, name), permanent="true")
            case Dek() as dek:
                await self._delete_dek(client, dek)

    async def _delete_dek(self, client: RegistryClient, dek: Dek) -> None:
        if not dek.deleted:
            await client.ask("DELETE", _locate(dek), algorithm=dek.id.algorithm)
        await client.ask("DELETE", _locate(dek), algorithm=dek.id.algorithm, permanent="true")


def _locate(dek: Dek) -> str:
    return path(*BASE, dek.id.kek_name, "deks", dek.id.subject, "versions", dek.id.version)


async def read_keys(client: RegistryClient) -> KeyStore | None:
    """Return the keys of a registry, with the secrets that its caller may see; None for one without a DEK registry."""
    try:
        return await key_archives.read(client, with_secrets=True)
    except RefusedError as error:
        if error.status in _NOT_SERVED:
            return None
        raise


def _list_keys(store: KeyStore, rename: Callable[[str], str | None]) -> dict[str, Any]:
    """Return name -> key of the DEKs of mirrored subjects, and of their KEKs; KEKs without DEKs are mirrored, too."""
    listed: dict[str, Any] = {}
    for kek in store.keks():
        deks = sorted(store.deks_of(kek.name), key=lambda dek: dek.id)
        renamed = [(rename(dek.id.subject), dek) for dek in deks]
        chosen = [(subject, dek) for subject, dek in renamed if subject is not None]
        if deks and not chosen:
            continue
        listed[f"KEK {kek.name}"] = msgspec.structs.replace(kek, deleted=False, updated=0, offset=0)
        for subject, dek in chosen:
            dek_id = msgspec.structs.replace(dek.id, subject=subject)
            listed[name_dek(dek_id)] = Dek(id=dek_id, wrapped=dek.wrapped, deleted=dek.deleted)
        if kek.deleted:
            listed[f"soft deletion of KEK {kek.name}"] = _SoftDeletion(kek.name)
    return listed
