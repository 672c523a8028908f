"""One inspecting process: up between start and stop, and ended when it is late."""

import pytest

from gateway.config import Detect
from gateway.detect.service.process import DetectorProcess
from gateway.errors import InspectionFailed


async def test_a_process_inspects_and_a_late_one_is_ended() -> None:
    process = DetectorProcess(Detect(), 30)
    assert (process.is_up, process.pid) == (False, -1)
    await process.start()
    try:
        assert process.is_up
        (found,) = await process.inspect([("", "mail jane@example.com")], 30)
        assert [one.entity for one in found] == ["EMAIL_ADDRESS"]
        with pytest.raises(InspectionFailed):
            await process.inspect([("", "a " * 100_000)], 0)
        assert not process.is_up
    finally:
        await process.stop()
