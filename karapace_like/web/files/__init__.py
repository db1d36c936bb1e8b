"""The HTTP API of files of records: upload one to a topic, or download what a topic has."""

from karapace_like.web.files import downloads, uploads
from karapace_like.web.proxy.internal import check_path_names

ROUTES = tuple(map(check_path_names, (*uploads.ROUTES, *downloads.ROUTES)))
