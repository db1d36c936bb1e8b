"""What tests of commands on registries share."""

from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.service_process import ServiceProcess


@pytest.fixture
def shop(tmp_path: Path, service: ServiceProcess) -> Shop:
    return Shop(tmp_path, service.url)
