"""What handlers find on the application."""

from aiohttp import web

from karapace_like.registry.registry import Registry

REGISTRY = web.AppKey("registry", Registry)
