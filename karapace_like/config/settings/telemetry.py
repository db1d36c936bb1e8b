"""Settings of logs, traces and metrics, and of the configuration itself."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from karapace_like.config.choices import AccessLogFormat, LogLevel
from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import LOG_FORMAT, URL


@dataclass(frozen=True, kw_only=True)
class LogSettings(SettingsGroup):
    """Which messages are logged, and their format."""

    group: ClassVar = Group.LOGS

    log_level: Annotated[
        LogLevel, describe("Lowest level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.", "WARNING")
    ] = LogLevel.INFO
    log_format: Annotated[
        str,
        describe(
            "`json`: one object a line. Otherwise a format of Python's `logging`, plus `request_id`.",
            "json",
            form=LOG_FORMAT,
        ),
    ] = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s]: %(message)s"
    access_log: Annotated[
        AccessLogFormat,
        describe(
            "Whether a line is logged for each request once it is answered: `off`, `text` (by `log_format`) or `json` "
            "(one object a line). It holds no header and no query value that the called route does not declare.",
            "json",
        ),
    ] = AccessLogFormat.OFF
    access_log_percent: Annotated[
        int,
        describe(
            "Percentage of requests in the access log, chosen at random; responses with status 500 and above are "
            "always in it.",
            10,
            ge=1,
            le=100,
        ),
    ] = 100


@dataclass(frozen=True, kw_only=True)
class TelemetrySettings(SettingsGroup):
    """Traces and metrics for OpenTelemetry."""

    group: ClassVar = Group.TELEMETRY

    telemetry_otel_endpoint_url: Annotated[
        str | None,
        describe(
            "OpenTelemetry collector that receives traces and metrics (OTLP over HTTP), without `/v1/traces`. It needs "
            "the extra `otel`. Unset: nothing is exported.",
            "http://collector:4318",
            form=URL,
        ),
    ] = None
    telemetry_resource_service_name: Annotated[str, describe("Service name in traces and metrics.", "registry-eu")] = (
        "karapace-like"
    )
    telemetry_metrics_export_interval_milliseconds: Annotated[
        int, describe("Interval at which metrics are exported.", 60_000, ge=100)
    ] = 10_000
    usage_principals: Annotated[
        int,
        describe(
            "Authenticated principals whose usage is counted one by one, per worker process, in the order of their "
            "first requests; the usage of further ones is added up as `(others)`. Each is six series of `/metrics`.",
            1_000,
            ge=0,
            le=10_000,
        ),
    ] = 200
    telemetry_trace_records: Annotated[
        bool, describe("Whether a produced record carries the request's `traceparent` as a header.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class SourceSettings(SettingsGroup):
    """How the settings themselves are read."""

    group: ClassVar = Group.SOURCES

    strict_config: Annotated[
        bool,
        describe("Whether an unknown name in the file or among `KARAPACE_*` ends the start. `false`: it is reported."),
    ] = False
