"""What is looked for in a text, and where it was found."""

from gateway.detect.inspection import Inspection
from gateway.detect.inspector import Inspector

__all__ = ["Inspection", "Inspector"]
