"""The measurements of the whole service, for Prometheus and OpenTelemetry."""
