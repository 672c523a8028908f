"""`openai.images`: a text becomes pictures."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_images.bodies import read_completion, read_prompt
from gateway.dialects.reading.events import WholeEvents

_PARTIAL = frozenset(("image_generation.partial_image",))
_LAST = frozenset(("image_generation.completed",))

DIALECT = Dialect(
    name="openai.images",
    family=OPENAI,
    paths=("*/images/generations",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: WholeEvents(read_completion, _PARTIAL, _LAST),
    operation="image_generation",
)
