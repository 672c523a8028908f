"""`json`: bodies of endpoints that no other dialect knows; every key but two is a part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.openai_chat.bodies import read_call, read_call_parts
from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.document import escape
from gateway.dialects.reading.form import FormBody, form_prompt
from gateway.dialects.reading.leaves import FIELD, Grammar, Walk, structural
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import string
from gateway.words import Completion, Part, Prompt

_CALLS = "tool_calls"
_FUNCTION_CALL = frozenset(("id", "type", "function"))  # as runs of the Assistants API have them
_FUNCTION = frozenset(("name", "arguments"))
_RESULT = "output"  # of a function that a step of a run called: what came of it


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body: its top may hold `model` and `stream`, as in other dialects.

    Raises Malformed when a tool call stands in it: one that no dialect describes would be run unjudged.
    """
    refuse_hidden_calls(document)
    (parts, _), models = REQUEST.read(document), named_models(document)
    if not isinstance(document, dict):
        return Prompt(parts, models=models)
    stream = document.get("stream") is True
    tools = tuple(read_offers(document))
    return Prompt(parts, tools=tools, model=string(document, "model"), models=models, stream=stream)


def read_form(form: FormBody) -> Prompt:
    """Return the prompt of a form: each field and each text in a file is a part. Raises Malformed."""
    return form_prompt(form, REQUEST)


def read_nothing(_: Any) -> Prompt:
    """Return the prompt of a body that is not JSON, or of none: as JSON it has no parts."""
    return Prompt()


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body: functions of `tool_calls` are its calls, wherever they stand.

    Raises Malformed when another tool call stands in it.
    """
    functions: dict[str, Any] = {}
    around = _take_functions(document, (), functions)
    refuse_hidden_calls(around)
    read = {at: _parts_of(call, at) for at, call in functions.items()}
    said = read_fields(around)
    return replace(
        said,
        parts=(*said.parts, *(part for parts in read.values() for part in parts)),
        tool_calls=tuple(read_call(call, at, read[at]) for at, call in functions.items()),
    )


def read_fields(document: Any) -> Completion:
    """Return the completion of a body of which only the strings count, as of an error."""
    walk = Walk(REQUEST)
    walk.free(document, "", FIELD)
    return Completion(
        tuple(walk.parts), model=string(document, "model") if isinstance(document, dict) else ""
    )


def _parts_of(call: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of a call, and of what came of it."""
    function = dict(call["function"])
    output = function.pop(_RESULT, None)
    result = () if output is None else (Part("tool", "tool_result", f"{at}/function/{_RESULT}", output),)
    return (*read_call_parts({**call, "function": function}, at), *result)


def _take_functions(value: Any, at: tuple[str | int, ...], taken: dict[str, Any]) -> Any:
    """Return a document without its calls of functions, which go into `taken` by their pointers."""
    if isinstance(value, list):
        return [_take_functions(one, (*at, index), taken) for index, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    around = {}
    for key, inside in value.items():
        if key == _CALLS and isinstance(inside, list):
            below = "".join(f"/{escape(str(step))}" for step in (*at, key))
            found = {index: call for index, call in enumerate(inside) if _is_function(call)}
            taken |= {f"{below}/{index}": call for index, call in found.items()}
            inside = [None if index in found else one for index, one in enumerate(inside)]
        around[key] = _take_functions(inside, (*at, key), taken)
    return around


def _is_function(call: Any) -> bool:
    """Return whether a call is of a function, and nothing in it could be read as another."""
    if not isinstance(call, dict) or not call.keys() <= _FUNCTION_CALL or call.get("type") != "function":
        return False
    function = call.get("function")
    return (
        isinstance(function, dict)
        and function.keys() - {_RESULT} == _FUNCTION
        and all(isinstance(value, str) for key, value in function.items() if key != _RESULT)
        and isinstance(function.get(_RESULT), str | None)
    )


REQUEST = Grammar(frozenset(("model", "stream")), {"model": structural})
