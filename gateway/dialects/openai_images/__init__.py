"""`openai.images`: a text becomes pictures, alone or with others to edit: in a form, or named in JSON."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_images.bodies import read_completion, read_form, read_prompt
from gateway.dialects.reading.events import WholeEvents

_PARTIAL = frozenset(("image_generation.partial_image", "image_edit.partial_image"))
_LAST = frozenset(("image_generation.completed", "image_edit.completed"))

DIALECT = Dialect(
    name="openai.images",
    family=OPENAI,
    paths=("*/images/generations", "*/images/edits"),
    forms=("*/images/edits", "*/images/variations"),
    read_prompt=read_prompt,
    read_form=read_form,
    read_completion=read_completion,
    new_stream=lambda: WholeEvents(read_completion, _PARTIAL, _LAST),
    operation="image_generation",
)
