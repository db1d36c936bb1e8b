"""The HTTP server: aiohttp's runner and connections, the response cache in front of them, and draining."""
