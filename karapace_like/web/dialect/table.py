"""All differences of Karapace's dialect from Confluent's; `docs/generate.py` shows them side by side."""

from karapace_like.web.dialect.proxy import PROXY_DIFFERENCES
from karapace_like.web.dialect.registry import OPERATIONS_DIFFERENCES, REGISTRY_DIFFERENCES

DIFFERENCES = (*PROXY_DIFFERENCES, *REGISTRY_DIFFERENCES, *OPERATIONS_DIFFERENCES)
