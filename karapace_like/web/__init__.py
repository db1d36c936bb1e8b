"""The HTTP server: connections, callers, routes of all APIs, and the responses that they send."""
