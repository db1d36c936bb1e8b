"""Where settings come from: a JSON file, the environment and the command line; later sources win."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from karapace_like.config.checks import find_contradictions
from karapace_like.config.errors import ConfigError, Fault
from karapace_like.config.service_links import find_service
from karapace_like.config.settings import Settings
from karapace_like.config.values import SECRETS, TYPES, Origin, ValueFaultError, convert
from karapace_like.process.child_environment import ENVIRONMENT_PREFIX

_OF_COMMANDS = "KARAPACE_LIKE_"
"""The prefix of variables of the commands on schemas, which are no settings."""
_FILE_SUFFIX = "_file"
"""A secret's name with this suffix names a file that holds the secret."""
_MAX_SECRET_BYTES = 65_536


class _Entry(NamedTuple):
    """A name and its value, as a source holds them."""

    name: str
    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings as the sources give them, with everything that is wrong."""

    settings: Settings
    """Values that are not allowed are left at their defaults."""
    origins: Mapping[str, Origin]
    """Name -> where the value comes from; settings at their defaults are left out."""
    faults: tuple[Fault, ...]
    unknown: tuple[str, ...]
    """A sentence for each name that is no setting."""

    def require(self) -> Settings:
        """Return the settings; raises ConfigError with every fault."""
        if self.faults:
            raise ConfigError(*(fault.sentence for fault in self.faults))
        return self.settings

    def locate(self, fault: Fault) -> Fault:
        """Return the fault with the places where its settings are set, if any is."""
        return _locate(fault, self.origins)


def _locate(fault: Fault, origins: Mapping[str, Origin]) -> Fault:
    places = [str(origins[name]) for name in fault.settings if name in origins]
    return fault._replace(sentence=f"{fault.sentence} (Set by {', '.join(places)}.)") if places else fault


def load(
    *, file: Path | None = None, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings, and a sentence for each unknown name; raises ConfigError."""
    reading = read(file=file, environment=environment, flags=flags)
    return reading.require(), reading.unknown


def read(
    *, file: Path | None = None, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Reading:
    """Return what the sources say, faults included."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    faults: list[Fault] = []
    unknown: list[str] = []
    for entries in (_read_file(file, faults), _read_environment(environment), _read_flags(flags or {})):
        for name, value, origin in _resolve_files(list(entries), faults):
            if name not in TYPES:
                unknown.append(_report_unknown(name, origin))
            elif value is not None:
                try:
                    values[name], origins[name] = convert(name, value, origin), origin
                except ValueFaultError as error:
                    faults.append(error.fault)
    settings = Settings(**values)
    if settings.strict_config:
        faults.extend(Fault((), f"{sentence} strict_config rejects it.") for sentence in unknown)
    wrong = {name for fault in faults for name in fault.settings}
    # Of settings with values that are not allowed, contradictions say nothing.
    faults.extend(
        _locate(fault, origins) for fault in find_contradictions(settings) if wrong.isdisjoint(fault.settings)
    )
    return Reading(settings, origins, tuple(faults), tuple(unknown))


def _read_file(file: Path | None, faults: list[Fault]) -> Iterator[_Entry]:
    if file is None:
        return
    pairs: list[tuple[str, Any]] = []

    def collect(members: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = members  # the outermost object comes last
        return dict(members)

    try:
        values = json.loads(file.read_text(), object_pairs_hook=collect)
    except (OSError, ValueError, RecursionError) as error:
        faults.append(Fault((), f"The configuration file {file} cannot be read: {error}"))
        return
    if not isinstance(values, dict):
        faults.append(Fault((), f'The configuration file {file} must hold one JSON object, such as {{"port": 8081}}.'))
        return
    names = [name for name, _ in pairs]
    faults.extend(
        Fault((name,), f"{name} is set {names.count(name)} times in {file}: leave one of them.")
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    for name, value in values.items():
        yield _Entry(name, value, Origin(name, str(file)))


def _read_environment(environment: Mapping[str, str]) -> Iterator[_Entry]:
    """Yield the settings in the environment; an empty variable counts as unset, and service links are none.

    `KARAPACE_REST` and `KARAPACE_KARAPACE_REST` both mean `karapace_rest`. Karapace separates the parts of a nested
    setting by two underscores: `KARAPACE_TELEMETRY__OTEL_ENDPOINT_URL`.
    """
    for variable, value in environment.items():
        upper, name = variable.upper(), variable.lower()
        if not upper.startswith(ENVIRONMENT_PREFIX) or upper.startswith(_OF_COMMANDS) or value == "":
            continue
        if find_service(variable, value):
            continue
        inner = name[len(ENVIRONMENT_PREFIX) :].replace("__", "_")
        yield _Entry(name if name in TYPES and inner not in TYPES else inner, value, Origin(variable))


def _read_flags(flags: Mapping[str, Any]) -> Iterator[_Entry]:
    for name, value in flags.items():
        if value is not None:
            yield _Entry(name, value, Origin(f"--{name.replace('_', '-')}"))


def _resolve_files(entries: Iterable[_Entry], faults: list[Fault]) -> Iterator[_Entry]:
    """Yield the entries of one source, with the content of the file in place of each `<secret>_file`."""
    names = {entry.name for entry in entries if entry.value is not None}
    for entry in entries:
        name = entry.name.removesuffix(_FILE_SUFFIX)
        if name not in SECRETS or name == entry.name:
            yield entry
            continue
        if name in names:
            other = entry.origin.name[: -len(_FILE_SUFFIX)]
            faults.append(Fault((name,), f"{entry.origin} and {other} are both set: leave one of them."))
        elif entry.value is not None:
            try:
                yield _Entry(name, _read_secret(entry.value), entry.origin)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                where = f" in {entry.origin.place}" if entry.origin.place else ""
                faults.append(
                    Fault((name,), f"{entry.origin.name}={entry.value!r}{where} is not a file with a secret: {reason}.")
                )


def _read_secret(path: Any) -> str:
    """Return the text of the file without the line end; raises OSError, ValueError."""
    if not isinstance(path, str):
        raise ValueError("it is not a path")  # noqa: TRY004 - reported with other wrong values
    with Path(path).open("rb") as file:
        content = file.read(_MAX_SECRET_BYTES + 1)
    if len(content) > _MAX_SECRET_BYTES:
        raise ValueError(f"it has more than {_MAX_SECRET_BYTES} bytes")
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    if not secret:
        raise ValueError("it is empty")
    return secret


def _report_unknown(name: str, origin: Origin) -> str:
    similar = get_close_matches(name, [*TYPES, *(f"{secret}{_FILE_SUFFIX}" for secret in SECRETS)], n=1)
    if not similar:
        return f"{origin} is not a setting; `karapace-like config list` shows all settings."
    meant = similar[0]
    if not origin.place and not origin.name.startswith("--"):
        meant = f"{ENVIRONMENT_PREFIX}{meant.upper().removeprefix(ENVIRONMENT_PREFIX)}"
    return f"{origin} is not a setting; did you mean {meant}?"
