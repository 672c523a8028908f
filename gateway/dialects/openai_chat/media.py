"""How `openai.chat` reads addresses and media: exempt in the content parts that have them, nowhere else."""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.encoded import Encoded, read_media, read_recording
from gateway.dialects.reading.leaves import Label, Walk, address
from gateway.dialects.reading.scalars import string


def image(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the address of an image, alone or in an object; a `data:` URL is the image itself."""
    if parent.get("type") != "image_url":
        walk.syntax(value, at, label)
    elif isinstance(value, dict):
        _around(walk, value, "url", at, label, "image", _data_url(value.get("url")))
    else:
        _fetched(walk, value, at, label)


def audio(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if isinstance(value, dict) and parent.get("type") == "input_audio":
        found = read_media(value.get("data"), f"audio/{string(value, 'format')}")
        _around(walk, value, "data", at, label, "audio", found)
    else:
        walk.syntax(value, at, label)


def file(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if isinstance(value, dict) and parent.get("type") == "file":
        _around(walk, value, "file_data", at, label, "file", read_media(value.get("file_data")))
    else:
        walk.syntax(value, at, label)


def recording(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the audio that a model made, whole or in pieces."""
    if isinstance(value, dict):
        _around(walk, value, "data", at, label, "audio", read_recording(value.get("data")))
    else:
        walk.syntax(value, at, label)


def _around(
    walk: Walk, holder: dict[str, Any], leaf: str, at: str, label: Label, kind: str, found: Encoded | None
) -> None:
    """Read an object of the schema, one leaf of which may be exempt."""
    walk.members({key: value for key, value in holder.items() if key != leaf}, at, label)
    if leaf == "url":
        _fetched(walk, holder.get(leaf), f"{at}/{leaf}", label)
    elif leaf in holder:
        walk.encoded(holder[leaf], f"{at}/{leaf}", label, kind, found)


def _fetched(walk: Walk, value: Any, at: str, label: Label) -> None:
    """Read the address of an image, which may be the image itself."""
    if (found := _data_url(value)) is not None:
        walk.encoded(value, at, address(label), "image", found)
    else:
        walk.fetched(value, at, label)


def _data_url(value: Any) -> Encoded | None:
    return read_media(value) if isinstance(value, str) and value[:5].lower() == "data:" else None
