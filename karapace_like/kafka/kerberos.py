"""Whether the Kafka clients were built with Kerberos (GSSAPI), which their wheels are not."""

import functools
import importlib.util

from karapace_like.errors import KafkaFailure


@functools.cache
def explain_missing_gssapi() -> str | None:
    """Return why GSSAPI cannot be used, and what to do; None if it can.

    librdkafka has no call that returns that; it refuses to create a client.
    """
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - megabytes that are needed for GSSAPI only

    from karapace_like.kafka import translate  # noqa: PLC0415

    try:
        with translate.failures():
            AdminClient({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI", "log_level": 0})
    except KafkaFailure as failure:
        if "No provider for SASL mechanism" in failure.message:
            return (
                "the installed Kafka client (librdkafka) was built without Kerberos. Build confluent-kafka from source "
                "with a librdkafka that has libsasl2, or choose SCRAM-SHA-512 or OAUTHBEARER."
            )
    if importlib.util.find_spec("gssapi") is None:
        return "the package gssapi is not installed. Type: pip install gssapi"
    return None
