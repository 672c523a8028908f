"""google-genai with automatic function calling, streamed."""

from google import genai
from google.genai import types
from task import GATEWAY, KEY, TASK, note

client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=f"{GATEWAY}/gemini"))
config = types.GenerateContentConfig(tools=[note])
for piece in client.models.generate_content_stream(model="gemini-3", contents=TASK, config=config):
    print(piece.text or "", end="")
