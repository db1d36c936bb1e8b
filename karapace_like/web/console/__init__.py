"""The console: pages for people, which call the service's own HTTP API."""
