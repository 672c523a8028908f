"""Bodies that no other dialect knows: other JSON (`json`), anything else (`opaque`), and none (`none`).

The answer to any of them may be JSON: then it is read like other JSON.
"""

from gateway.dialects.dialect import Dialect
from gateway.dialects.plain.bodies import read_completion, read_fields, read_nothing, read_prompt

__all__ = ["JSON", "NONE", "OPAQUE", "read_fields"]

JSON = Dialect(name="json", read_prompt=read_prompt, read_completion=read_completion)
OPAQUE = Dialect(name="opaque", read_prompt=read_nothing, read_completion=read_completion)
NONE = Dialect(name="none", read_prompt=read_nothing, read_completion=read_completion)
