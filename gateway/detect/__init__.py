"""What is looked for in a text, and where it was found."""

from gateway.detect.inspection import Inspection
from gateway.detect.inspector import Inspector
from gateway.detect.ner import check_installed
from gateway.detect.patterns import Deadline, in_time

__all__ = ["Deadline", "Inspection", "Inspector", "check_installed", "in_time"]
