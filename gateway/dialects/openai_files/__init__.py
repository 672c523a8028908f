"""`openai.files`, `openai.uploads`, `openai.batches`: what a provider stores, and requests that wait there.

A line of a batch is governed as the same request would be online: it has the dialect of the address it names.
Lists are not among them: they show all that an account keeps, whichever agent stored it.
"""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_files.bodies import (
    read_batch,
    read_completion,
    read_form,
    read_piece,
    read_prompt,
)
from gateway.dialects.openai_files.results import read_line

FILES = Dialect(
    name="openai.files",
    family=OPENAI,
    forms=("*/files",),
    stored=("GET */files/*", "DELETE */files/*"),
    files=("GET */files/*/content",),
    read_prompt=read_prompt,
    read_form=read_form,
    read_completion=read_completion,
    read_line=read_line,
)
UPLOADS = Dialect(
    name="openai.uploads",
    family=OPENAI,
    paths=("*/uploads", "*/uploads/*/complete"),
    forms=("*/uploads/*/parts",),
    stored=("POST */uploads/*/cancel",),
    read_prompt=read_prompt,
    read_form=read_piece,
    read_completion=read_completion,
)
BATCHES = Dialect(
    name="openai.batches",
    family=OPENAI,
    paths=("*/batches",),
    stored=("GET */batches/*", "POST */batches/*/cancel"),
    read_prompt=read_batch,
    read_completion=read_completion,
)
