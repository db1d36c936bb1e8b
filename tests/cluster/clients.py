"""Clients of a registry of several nodes, which note every request and what came of it."""

import asyncio
import itertools
import json
import random
import time
from dataclasses import replace
from typing import Any

import aiohttp

from tests.cluster.history import Action, Event, Outcome
from tests.cluster.registry_nodes import RegistryNodes
from tests.service_process import ServiceProcess

_PAUSE_BETWEEN_REQUESTS = 0.01
_PAUSE_BEFORE_A_RETRY = 0.2
_TRIES = 20
_SHARED_SUBJECTS = 3
_NOTHING_WRITTEN = frozenset({503, 50004})
"""Error codes by which a node says that it has not even begun."""
_LEVELS = ("NONE", "BACKWARD", "FULL")


def as_compared(text: str) -> str:
    """A schema's text with sorted keys: another product stores it so, and it is the same schema."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) if text.startswith("{") else text


class BrokenOffError(aiohttp.ClientError):
    """The connection has ended before the answer came."""


async def never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating what is idempotent: it would tell of the last try, not what the first did."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise BrokenOffError(str(error)) from error


class Client:
    """Requests to any node, noted down."""

    def __init__(self, seed: int, session: aiohttp.ClientSession, nodes: RegistryNodes, events: list[Event]) -> None:
        self._session = session
        self._nodes = nodes
        self._events = events
        self._random = random.Random(seed)

    def _node(self) -> ServiceProcess:
        return self._random.choice(self._nodes.all)

    async def ask(self, event: Event, method: str, path: str, body: object = None) -> Event:
        """The event with what came of it."""
        outcome, answer, detail = Outcome.UNKNOWN, None, ""
        begun = time.monotonic()
        try:
            async with self._session.request(method, event.node + path, json=body) as response:
                answer = await response.json(content_type=None)
                outcome = _outcome(response.status, answer)
                detail = "" if outcome is Outcome.ACKNOWLEDGED else f"{response.status} {answer}"
        except aiohttp.ClientConnectorError as error:
            outcome, detail = Outcome.REFUSED, str(error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = repr(error)
        found: dict[str, Any] = answer if outcome is Outcome.ACKNOWLEDGED and isinstance(answer, dict) else {}
        done = replace(
            event,
            begun=begun,
            ended=time.monotonic(),
            outcome=outcome,
            text=as_compared(str(found.get("schema", event.text))),
            id=found.get("id", event.id),
            version=found.get("version"),
            detail=detail,
        )
        self._events.append(done)
        return done


class Writer(Client):
    """Writes to subjects of its own and to shared ones, one request after the other."""

    def __init__(self, number: int, session: aiohttp.ClientSession, nodes: RegistryNodes, events: list[Event]) -> None:
        super().__init__(number, session, nodes, events)
        self._number = number
        self._texts = itertools.count()
        self._live: list[tuple[str, str, int]] = []
        """(subject, text, version) of own versions that are acknowledged and not deleted."""

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            action = self._random.choices(
                [self._register_own, self._register_shared, self._copy, self._delete, self._configure],
                [6, 3, 2, 1, 1],
            )[0]
            await action()
            await asyncio.sleep(_PAUSE_BETWEEN_REQUESTS)

    async def _register_own(self) -> None:
        subject = f"own-{self._number}-{self._random.randrange(5)}"
        text = self._new_text()
        if version := await self._register(subject, text):
            self._live.append((subject, text, version))

    async def _register_shared(self) -> None:
        await self._register(f"shared-{self._random.randrange(_SHARED_SUBJECTS)}", self._new_text())

    async def _copy(self) -> None:
        """The same schema in another subject: it has the same id there."""
        if self._live:
            await self._register(f"copies-{self._number}", self._random.choice(self._live)[1])

    async def _register(self, subject: str, text: str) -> int | None:
        """Register, and read it back through the same node; the version, if all of that was acknowledged."""
        body = {"schema": text}
        asked = Event(action=Action.REGISTER, subject=subject, text=text)
        registered = await self._ask_until_done(asked, "POST", f"/subjects/{subject}/versions", body)
        if registered.outcome is not Outcome.ACKNOWLEDGED:
            return None
        read = replace(registered, action=Action.READ, is_retry=False)
        await self.ask(read, "GET", f"/schemas/ids/{registered.id}")
        look_up = replace(registered, action=Action.LOOK_UP, is_retry=False)
        return (await self.ask(look_up, "POST", f"/subjects/{subject}", body)).version

    async def _delete(self) -> None:
        """Once: a repeated deletion could not tell the outcome of the first."""
        if not self._live:
            return
        subject, text, version = self._live.pop(self._random.randrange(len(self._live)))
        asked = Event(action=Action.DELETE, subject=subject, text=text, node=self._node().url)
        await self.ask(asked, "DELETE", f"/subjects/{subject}/versions/{version}")

    async def _configure(self) -> None:
        # A subject without schemas, so that no level stands in the way of a registration.
        subject, level = f"configured-{self._number}", self._random.choice(_LEVELS)
        asked = Event(action=Action.CONFIGURE, subject=subject, text=level)
        await self._ask_until_done(asked, "PUT", f"/config/{subject}", {"compatibility": level})

    async def _ask_until_done(self, event: Event, method: str, path: str, body: object) -> Event:
        """As a client does who is told to retry: through any node, until it is answered."""
        for number in range(_TRIES):
            asked = replace(event, node=self._node().url, is_retry=number > 0)
            done = await self.ask(asked, method, path, body)
            if done.outcome is Outcome.ACKNOWLEDGED:
                break
            await asyncio.sleep(_PAUSE_BEFORE_A_RETRY)
        return done

    def _new_text(self) -> str:
        return json.dumps(
            {"type": "fixed", "name": f"c{self._number}_{next(self._texts)}", "size": 4}, separators=(",", ":")
        )


class Reader(Client):
    """Reads what somebody was given an id for, through any node, all along."""

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            if known := [each for each in self._events[-1000:] if each.id is not None]:
                found = self._random.choice(known)
                asked = Event(
                    action=Action.READ, subject=found.subject, text=found.text, id=found.id, node=self._node().url
                )
                await self.ask(asked, "GET", f"/schemas/ids/{found.id}")
            await asyncio.sleep(_PAUSE_BETWEEN_REQUESTS)


def _outcome(status: int, answer: Any) -> Outcome:
    if status < 400:
        return Outcome.ACKNOWLEDGED
    if status == 404:
        return Outcome.MISSING
    code = answer.get("error_code", status) if isinstance(answer, dict) else status
    return Outcome.REFUSED if status < 500 or code in _NOTHING_WRITTEN else Outcome.UNKNOWN
