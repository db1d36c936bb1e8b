"""Keys of the application under which handlers find the parts behind it."""

from aiohttp import web

from karapace_like.registry.registry import Registry

REGISTRY = web.AppKey("registry", Registry)
