"""How `openai.responses` reads addresses and media: exempt where the schema has them, nowhere else."""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.encoded import Encoded, read_media, read_recording
from gateway.dialects.reading.leaves import Label, Reader, Walk, address
from gateway.dialects.reading.scalars import string

_PICTURED = ("input_image", "computer_screenshot")


def image(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the address of an image; a `data:` URL is the image itself."""
    shown = parent.get("type") in _PICTURED or at.endswith("/input_image_mask/image_url")
    is_data = shown and isinstance(value, str) and value[:5].lower() == "data:"
    walk.encoded(value, at, address(label), "image", read_media(value) if is_data else None)


def audio(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read audio that a caller sends: the data, and what format it has."""
    if not isinstance(value, dict) or parent.get("type") != "input_audio":
        walk.syntax(value, at, label)
        return
    walk.members({key: item for key, item in value.items() if key != "data"}, at, label)
    if "data" in value:
        found = read_media(value["data"], f"audio/{string(value, 'format')}")
        walk.encoded(value["data"], f"{at}/data", label, "audio", found)


def media(kind: str, *types: str) -> Reader:
    """Return a reader for media in base64, in objects of these types."""

    def read(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
        found: Encoded | None = None
        if parent.get("type") in types:
            found = read_media(value, string(parent, "media_type"))
        walk.encoded(value, at, label, kind, found)

    return read


def recording(walk: Walk, value: Any, at: str, label: Label) -> None:
    """Read a piece of the audio that a model made."""
    walk.encoded(value, at, label, "audio", read_recording(value))
