"""Environment variables that Kubernetes sets for each Service of a pod's namespace: its service links.

For a Service called `karapace` they begin with the prefix of the settings, and `KARAPACE_PORT=tcp://10.0.0.7:8081` is
no port to listen on. They are recognised by their form and never read as settings.
"""

import re
from collections.abc import Mapping

_NAME = re.compile(
    r"(?P<service>\w+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
"""Names that only a service link has."""
_PORT_NAME = re.compile(r"(?P<service>\w+)_PORT")
_PORT_VALUE = re.compile(r"(?:tcp|udp|sctp)://\S+:\d+")
"""The value of `<SERVICE>_PORT`, whose name alone could be that of a setting."""


def find_service(variable: str, value: str) -> str | None:
    """Return the Service that the variable is a link to, as Kubernetes names it; None if it is no service link."""
    match = _NAME.fullmatch(variable)
    if match is None and _PORT_VALUE.fullmatch(value):
        match = _PORT_NAME.fullmatch(variable)
    return None if match is None else match["service"].lower().replace("_", "-")


def explain_service_links(environment: Mapping[str, str], prefix: str) -> list[str]:
    """Return a sentence for each Service whose links begin with the prefix: why they are ignored."""
    links: dict[str, list[str]] = {}
    for variable, value in sorted(environment.items()):
        if variable.startswith(prefix) and (service := find_service(variable, value)) is not None:
            links.setdefault(service, []).append(variable)
    return [
        f"{names[0]}{f' and {len(names) - 1} other variables' if len(names) > 1 else ''}: set by Kubernetes for the "
        f"Service {service!r} and ignored, since a service link is no setting. "
        "enableServiceLinks: false in the pod's spec leaves them out"
        for service, names in links.items()
    ]
