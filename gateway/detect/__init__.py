"""What is looked for in a text, and where it was found."""

from gateway.detect.detector import Detector
from gateway.detect.entities.ner import check_installed
from gateway.detect.matching.patterns import Deadline, in_time
from gateway.detect.service.inspection import DetectionService

__all__ = ["Deadline", "DetectionService", "Detector", "check_installed", "in_time"]
