"""The documentation of settings: the group, meaning and example that each one carries in its annotation."""

import dataclasses
import enum
import typing
from typing import Any, ClassVar, NamedTuple

import msgspec

from karapace_like.config.forms import Form
from karapace_like.secret import Secret


class Group(enum.Enum):
    """What settings are about, in the order of `docs/configuration.md`: a title and a sentence."""

    HTTP = "HTTP", "Where the service listens, which APIs it serves, and the limits of requests."
    KAFKA = "Kafka", "The brokers that the service connects to."
    KAFKA_SECURITY = "TLS and SASL to Kafka", "How the service's own Kafka clients authenticate and encrypt."
    REGISTRY = "Schema registry", "The schemas topic and the rules of registration."
    DEK_REGISTRY = "DEK registry", "Keys of client-side field level encryption; see [encryption](encryption.md)."
    CLUSTER = "Several nodes", "Election of the primary and forwarding; see [operations](operations.md)."
    PRODUCE = "REST proxy: producing", "Records that clients write; see [REST v2](rest.md) and [REST v3](rest-v3.md)."
    IDEMPOTENCY = "REST proxy: writing once", "Requests with an `Idempotency-Key`; see [writing](rest.md)."
    POLICIES = "REST proxy: topic policies", "What is done with records that do not fit; see [contracts](contracts.md)."
    CONSUME = "REST proxy: consuming", "Instances, polls and streams; see [consumers](rest-consumers.md)."
    CALLERS = "REST proxy: access to Kafka", "Whose permissions in Kafka a request has."
    REMOTE_REGISTRY = "REST proxy: another registry", "A registry elsewhere that has the proxy's schemas."
    TLS = "TLS for clients", "HTTPS and client certificates; [security](security.md) shows complete set-ups."
    ACCESS = "Access control", "Users, permissions and quotas; [security](security.md) shows complete set-ups."
    TOKENS = "Bearer tokens", "Callers that present a JWT of an OpenID Connect issuer."
    LOGS = "Logs", "Which messages are logged, and their format."
    TELEMETRY = "Telemetry", "Traces and metrics for OpenTelemetry; see [observability](observability.md)."
    SOURCES = "Configuration", "How the settings themselves are read."

    def __init__(self, title: str, about: str) -> None:
        self.title = title
        self.about = about


class Setting(NamedTuple):
    """One setting, as documentation shows it."""

    name: str
    group: Group
    description: str
    default: Any
    example: Any
    """A value other than the default, as the environment or a file would hold it."""
    form: Form | None = None
    """What a text must look like; None: any text."""
    is_secret: bool = False
    """Whether the value is never shown, and may come from the file that `<name>_file` names."""


def describe(
    description: str, example: Any = None, *, ge: int | None = None, le: int | None = None, form: Form | None = None
) -> msgspec.Meta:
    """Return the metadata of a setting with the least (`ge`) and the greatest (`le`) allowed number, or a text's form.

    Without an example, the page shows the first other value of a boolean or an enumeration.
    """
    return msgspec.Meta(description=description, extra={"example": example, "form": form}, ge=ge, le=le)


class SettingsGroup:
    """The base of the dataclasses that hold the settings of one group."""

    group: ClassVar[Group]


def list_settings(group: type[SettingsGroup]) -> list[Setting]:
    """Return the description of every setting of a group."""
    defaults: Any = group()
    listed = []
    for field in dataclasses.fields(defaults):
        annotation, default = group.__annotations__[field.name], getattr(defaults, field.name)
        meta = annotation.__metadata__[0]
        example = meta.extra["example"]
        if example is None:
            example = _other_value(default)
        is_secret = Secret in typing.get_args(annotation.__origin__)
        listed.append(
            Setting(field.name, group.group, meta.description, default, example, meta.extra["form"], is_secret)
        )
    return listed


def _other_value(default: bool | enum.Enum) -> Any:  # noqa: FBT001 - any boolean setting
    """Return the first other value of a boolean or an enumeration."""
    values = (False, True) if isinstance(default, bool) else type(default)
    return next(value for value in values if value != default)
