"""What is moderated is a user's text; what comes back are categories."""

from gateway.dialects import read_completion, read_prompt


def test_texts_and_images_are_said_by_a_user() -> None:
    given = [
        {"type": "text", "text": "said"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ]
    prompt = read_prompt("openai.moderations", {"model": "omni-moderation-latest", "input": given})
    labels = {part.pointer: (part.role, part.kind, part.place) for part in prompt.parts}
    assert labels["/input/0/text"] == ("user", "text", "value")
    assert labels["/input/1/image_url/url"] == ("user", "field", "structural")
    assert prompt.models == ("omni-moderation-latest",)


def test_scores_are_no_numbers_of_a_person() -> None:
    result = {
        "flagged": True,
        "categories": {"harassment/threatening": True},
        "category_scores": {"harassment/threatening": 0.0034567891},
        "category_applied_input_types": {"harassment/threatening": ["text"]},
    }
    document = {"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}
    places = {part.place for part in read_completion("openai.moderations", document).parts}
    assert places == {"structural", "key"}
