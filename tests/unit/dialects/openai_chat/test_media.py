"""Media of chat completions are exempt in the content parts that have them, and nowhere else."""

import base64

from gateway.dialects.openai_chat.grammar import REQUEST, RESPONSE

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2).decode()
IMAGE = f"data:image/png;base64,{PNG}"


def test_an_image_is_an_attachment_in_its_part_only() -> None:
    parts, (image,) = REQUEST.read({"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}})
    assert (image.kind, image.media_type) == ("image", "image/png")
    assert IMAGE not in [part.text for part in parts]
    parts, attachments = REQUEST.read({"type": "text", "image_url": {"url": IMAGE}})
    assert (attachments, IMAGE in [part.text for part in parts]) == ((), True)


def test_audio_and_files_are_attachments_with_their_formats() -> None:
    wave = base64.b64encode(b"RIFF\0\0\0\0WAVE" + bytes(400)).decode()
    _, (audio,) = REQUEST.read({"type": "input_audio", "input_audio": {"data": wave, "format": "wav"}})
    _, (file,) = REQUEST.read({"type": "file", "file": {"file_data": IMAGE, "filename": "x.png"}})
    _, (recording,) = RESPONSE.read({"audio": {"data": wave, "transcript": "hello"}})
    assert (audio.kind, audio.media_type, file.kind, recording.kind) == (
        "audio",
        "audio/wav",
        "file",
        "audio",
    )
