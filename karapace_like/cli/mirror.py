"""`karapace-like mirror`: keeps a copy of a registry in another one, until it is promoted."""

import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from karapace_like.backup.errors import ArchiveError, ChangingError, ForeignContentError
from karapace_like.backup.mirror_state import StateFile
from karapace_like.backup.mirrored_items import read_keys
from karapace_like.backup.mirroring import Mirror, Round, Selection, Source
from karapace_like.cli.backup_source import check_contexts, read_state
from karapace_like.cli.failures import CannotTellError
from karapace_like.cli.printing import format_option, print_item, print_some_lines, print_value
from karapace_like.cli.progress import ProgressBar
from karapace_like.cli.registry_access import open_registry, registry_options
from karapace_like.cli.source_access import run, topic_options
from karapace_like.client.topic_policies import fetch_policies
from karapace_like.process.file_modes import open_private

_LONGEST_PAUSE = 60.0
"""Seconds between rounds while one of the registries cannot be reached, at most."""

_PARTS = ("associations", "keys", "policies")

_EXAMPLES = """\b
Examples:
  karapace-like mirror --from http://eu:8081 --to http://us:8081
  karapace-like mirror --from staging --to dev --context . --as .staging --once
  karapace-like mirror --bootstrap-uri kafka:9092 --to http://us:8081 --metrics-file mirror.prom
  karapace-like mirror --from http://eu:8081 --to http://us:8081 --promote
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--from", "source", metavar="URL|PROFILE", help="The registry to copy. Or name its topic: --bootstrap-uri."
)
@topic_options
@click.option(
    "--from-user", envvar="KARAPACE_LIKE_FROM_USER", show_envvar=True, help="User name for the registry of --from."
)
@click.option("--from-password", envvar="KARAPACE_LIKE_FROM_PASSWORD", show_envvar=True, help="Its password.")
@click.option("--from-token", envvar="KARAPACE_LIKE_FROM_TOKEN", show_envvar=True, help="Or its bearer token.")
@registry_options(required=True, names=("--to",))
@click.option("--context", help="Mirror only this context of the source, such as .eu; a dot means the default context.")
@click.option("--as", "as_context", metavar="CONTEXT", help="With --context: its name in the target.")
@click.option("--subject-prefix", default="", help="Put this before every subject in the target.")
@click.option(
    "--without",
    type=click.Choice(_PARTS),
    multiple=True,
    help="Leave these alone in the target. Repeatable.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("karapace-like-mirror.json"),
    show_default=True,
    help="File of what the mirror has written. One for each mirror; keep it.",
)
@click.option(
    "--interval", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between two rounds."
)
@click.option("--once", is_flag=True, help="Run one round.")
@click.option("--dry-run", is_flag=True, help="List what one round would change, and change nothing.")
@click.option("--promote", is_flag=True, help="Run a last round, and end the mirror: the target takes writes.")
@click.option("--without-source", is_flag=True, help="With --promote: no last round, since the source is lost.")
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write metrics for Prometheus into this file after each round (node exporter, textfile collector).",
)
@format_option
def mirror(
    *,
    source: str | None,
    from_user: str | None,
    from_password: str | None,
    from_token: str | None,
    bootstrap_uri: str | None,
    topic_name: str | None,
    config_file: Path | None,
    context: str | None,
    as_context: str | None,
    subject_prefix: str,
    without: tuple[str, ...],
    state_file: Path,
    interval: float,
    once: bool,
    dry_run: bool,
    promote: bool,
    without_source: bool,
    metrics_file: Path | None,
    form: str,
    **target: Any,
) -> None:
    """Copy a registry into another one, round after round: versions, ids, deletions, configs, keys and policies.

    Until --promote the target's contexts are in import mode, where clients can read but not register. The next round
    completes one that was killed. Nothing is changed where the target has other versions, or other schemas under
    the ids.

    Exit codes: 0 equal (with --dry-run: nothing to change), 1 the target rejected changes (or there are some), 2 error.
    """
    if without_source and not promote:
        raise click.UsageError("--without-source needs --promote.")
    check_contexts(context, as_context)
    session = _Session(
        {
            "registry": source,
            "user": from_user,
            "password": from_password,
            "token": from_token,
            "bootstrap_uri": bootstrap_uri,
            "topic_name": topic_name,
            "config_file": config_file,
        },
        target,
        Selection(context, as_context, subject_prefix),
        frozenset(_PARTS) - set(without),
        StateFile(state_file),
        metrics_file,
        form,
    )
    if promote:
        session.promote(with_source=not without_source)
    elif dry_run:
        session.show_changes()
    elif once:
        sys.exit(1 if session.run_round().refused else 0)
    else:
        session.run_forever(interval)


class _Session:
    """One run of the command."""

    def __init__(
        self,
        source: dict[str, Any],
        target: dict[str, Any],
        selection: Selection,
        parts: Collection[str],
        file: StateFile,
        metrics_file: Path | None,
        form: str,
    ) -> None:
        self._source = source
        self._target = target
        self._selection = selection
        self._parts = parts
        self._file = file
        self._metrics_file = metrics_file
        self._form = form
        self._equal_at: float | None = None
        """When the last round began after which both were equal; seconds since the epoch."""
        self._rounds = 0

    def run_round(self, *, dry_run: bool = False) -> Round:
        """Read the source, make the changes and print what was done; raises CannotTellError."""
        began = time.time()
        try:
            if self._file.read().is_promoted:
                raise CannotTellError(
                    f"This mirror was promoted. To begin another one, remove {self._file.path} or name another --state."
                )
            copied = self._read_source()

            async def work() -> Round:
                async with open_registry(self._target["registry"], self._target) as remote:
                    mirror = Mirror(remote.client, self._selection, self._file, ProgressBar())
                    return await mirror.run_round(copied, dry_run=dry_run)

            result = run(work())
        except ForeignContentError as error:
            print_some_lines(error.differing)
            raise _ForeignError(
                "Nothing was changed: the target has versions that are not of this mirror. Delete them permanently, "
                "mirror into another context (--context, --as) or use --subject-prefix."
            ) from error
        except (ArchiveError, ChangingError) as error:
            raise CannotTellError(str(error)) from error
        if not dry_run:
            self._report(result, began)
        return result

    def _read_source(self) -> Source:
        """Return what is to be copied. A topic holds neither keys nor policies, which have topics of their own."""
        store = read_state(self._source, ProgressBar())
        has_associations, url = "associations" in self._parts, self._source["registry"]
        if url is None:
            return Source(store, has_associations=has_associations)

        async def read() -> Source:
            async with open_registry(url, self._source) as remote:
                keys = await read_keys(remote.client) if "keys" in self._parts else None
                policies = await fetch_policies(remote.client) if "policies" in self._parts else None
            return Source(store, keys, policies, has_associations)

        return run(read())

    def run_forever(self, interval: float) -> None:
        """Run rounds until a signal ends the command; a registry that cannot be reached is tried again."""
        pause = interval
        while True:
            began = time.monotonic()
            try:
                self.run_round()
                pause = max(interval, time.monotonic() - began)
            except _ForeignError:
                raise
            except click.ClickException as error:
                if self._rounds == 0:
                    raise  # a wrong option, rather than an outage
                pause = min(2 * pause, max(interval, _LONGEST_PAUSE))
                click.echo(f"{error.format_message()} Trying again in {pause:.0f} s.", err=True)
                self._write_metrics(None)
            time.sleep(pause)

    def show_changes(self) -> None:
        """Print what a round would change."""
        planned = self.run_round(dry_run=True).planned
        print_value({"changes": planned}, "\n".join(planned), self._form)
        if self._form == "text":
            click.echo(f"{len(planned)} changes" if planned else "Nothing to change", err=True)
        sys.exit(1 if planned else 0)

    def promote(self, *, with_source: bool) -> None:
        """End the mirror, after a last round unless the source is lost."""
        if with_source and self.run_round().refused:
            raise CannotTellError("The target is not equal, and was not promoted. See the lines above.")

        async def work() -> list[str]:
            async with open_registry(self._target["registry"], self._target) as remote:
                return await Mirror(remote.client, self._selection, self._file, ProgressBar()).promote()

        try:
            rejected = run(work())
        except ArchiveError as error:
            raise CannotTellError(str(error)) from error
        print_some_lines(rejected)
        text = "Promoted: the target takes writes, and this mirror has ended."
        print_item({"promoted": True, "rejected": rejected}, text, self._form)

    def _report(self, result: Round, began: float) -> None:
        self._rounds += 1
        if not result.refused:
            self._equal_at = began
        if result.changes or result.refused or self._rounds == 1:
            text = (
                f"{result.registered} versions registered, {result.soft_deleted} soft-deleted, "
                f"{result.deleted} deleted, {result.settings} configs set; {result.items} associations, keys and "
                f"policies changed; the source has {result.versions} versions"
            )
            print_item(_convert(result), text, self._form)
        print_some_lines(result.refused)
        self._write_metrics(result)

    def _write_metrics(self, result: Round | None) -> None:
        """Write the metrics; `result` is None where the round failed."""
        if self._metrics_file is None:
            return
        lag = "NaN" if self._equal_at is None else f"{time.time() - self._equal_at:.3f}"
        lines = [
            "# HELP karapace_like_mirror_lag_seconds Time since the target was last known to equal the source.",
            "# TYPE karapace_like_mirror_lag_seconds gauge",
            f"karapace_like_mirror_lag_seconds {lag}",
            "# HELP karapace_like_mirror_up Whether the last round reached both registries.",
            "# TYPE karapace_like_mirror_up gauge",
            f"karapace_like_mirror_up {int(result is not None)}",
        ]
        if result is not None:
            lines += [
                "# HELP karapace_like_mirror_versions Versions in the mirrored part of the source.",
                "# TYPE karapace_like_mirror_versions gauge",
                f"karapace_like_mirror_versions {result.versions}",
                "# HELP karapace_like_mirror_rejected_changes Changes of the last round that the target rejected.",
                "# TYPE karapace_like_mirror_rejected_changes gauge",
                f"karapace_like_mirror_rejected_changes {len(result.refused)}",
            ]
        temporary = self._metrics_file.with_name(f".{self._metrics_file.name}.partial")
        with open_private(temporary) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        temporary.chmod(0o644)
        temporary.replace(self._metrics_file)


def _convert(result: Round) -> dict[str, Any]:
    """Return the counts of a round as one value."""
    return {
        "registered": result.registered,
        "soft_deleted": result.soft_deleted,
        "deleted": result.deleted,
        "configs": result.settings,
        "associations_keys_policies": result.items,
        "source_versions": result.versions,
        "rejected": result.refused,
    }


class _ForeignError(CannotTellError):
    """The target has versions of another writer, which no further round changes."""
