"""What is looked for in a text, and where it was found."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.detect.detector import Detector
    from gateway.detect.entities.ner import check_installed
    from gateway.detect.matching.patterns import Deadline, in_time
    from gateway.detect.service.inspection import DetectionService
else:
    __getattr__ = on_demand(__name__)

__all__ = ["Deadline", "DetectionService", "Detector", "check_installed", "in_time"]
