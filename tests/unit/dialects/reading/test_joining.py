"""Several prompts or completions of one body, as policy sees them: as one that says it all."""

from __future__ import annotations

from gateway.dialects.reading.joining import below, completion_below, joined, joined_completions
from gateway.words import Attachment, Completion, Part, Prompt, Tool, ToolCall, Usage


def test_a_joined_prompt_asks_for_what_each_asks_for() -> None:
    one = Prompt(
        parts=(Part("user", "text", "/messages/0/content", "a"),),
        attachments=(Attachment("image", "image/png", 1),),
        tools=(Tool("t", "d"),),
        model="m",
        models=("m",),
        unseen=("file_id",),
    )
    other = Prompt(tools=(Tool("t", "d"), Tool("u", "")), model="n", models=("n", "m"))
    prompt = joined(Prompt(model="", stream=True), [below(one, "/0/body"), other])

    assert [part.pointer for part in prompt.parts] == ["/0/body/messages/0/content"]
    assert (prompt.model, prompt.models, prompt.stream) == ("", ("m", "n"), True)
    assert [tool.name for tool in prompt.tools] == ["t", "u"]
    assert (prompt.unseen, len(prompt.attachments)) == (("file_id",), 1)


def test_a_joined_completion_says_what_each_says() -> None:
    call = ToolCall("f", {"q": "x"}, ("/content/0/input/q",))
    one = Completion(
        (Part("assistant", "tool_call", "/content/0/input/q", "x"),),
        tool_calls=(call,),
        usage=Usage(3, -1),
        withheld_calls=1,
        unknown=("t",),
    )
    said = joined_completions(
        [completion_below(one, "/1"), Completion(model="m", usage=Usage(1, 2)), Completion()]
    )

    assert [part.pointer for part in said.parts] == ["/1/content/0/input/q"]
    assert [call.pointers for call in said.tool_calls] == [("/1/content/0/input/q",)]
    assert (said.model, said.usage, said.withheld_calls, said.unknown) == ("m", Usage(4, 2), 1, ("t",))
    cached = [Completion(usage=Usage(9, 1, 7)), Completion(usage=Usage(9, 1, -1, 2))]
    assert joined_completions(cached).usage == Usage(18, 2, 7, 2)
    assert joined_completions([]).usage == Usage()


def test_a_signed_block_moves_with_its_parts() -> None:
    parts = (Part("assistant", "signed", "/a/0/b/c", "x", block="/a/0"), Part("", "field", "/d", "y"))
    assert [part.block for part in below(Prompt(parts), "/3/body").parts] == ["/3/body/a/0", ""]
