"""instructor: an object out of a tool call, streamed as it grows."""

import instructor
from openai import OpenAI
from pydantic import BaseModel
from task import GATEWAY, KEY, TASK, note


class Contact(BaseModel):
    """An address and a number."""

    address: str
    number: str


client = instructor.from_openai(OpenAI(base_url=f"{GATEWAY}/openai/v1", api_key=KEY))
asked = [{"role": "user", "content": TASK}]
*_, contact = client.chat.completions.create_partial(model="gpt-4.1", response_model=Contact, messages=asked)
print(note(contact.address, contact.number))
