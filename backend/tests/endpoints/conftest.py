import pytest

from ..platform import Person, Platform
from .machine import Machine, new_machine


@pytest.fixture
async def machine(platform: Platform, ada: Person) -> Machine:
    return await new_machine(platform, ada)
