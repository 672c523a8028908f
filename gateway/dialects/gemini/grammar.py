"""The grammar of Gemini's API: the words of its schema, in camel case and in snake case, as it takes both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.document import escape
from gateway.dialects.reading.encoded import read_media, read_sealed
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    FIELD,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    free,
    labeled,
    reference,
    signed,
    structural,
    url,
    words,
)
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.tokens import read_beside, read_tokens
from gateway.dialects.reading.vectors import vector

_UPPER = re.compile("[A-Z]")
_UNDERLINE = re.compile("_([a-z])")
_ROLES: Mapping[str, Label] = {
    "": ("user", "text"),  # who says nothing about it is the user
    "user": ("user", "text"),
    "model": ASSISTANT,
    "system": ("system", "system"),
    **dict.fromkeys(("function", "tool"), ("tool", "tool_result")),
}
CALLS = frozenset(("functionCall", "executableCode", "toolCall"))
RESULTS = frozenset(("functionResponse", "codeExecutionResult", "toolResponse"))


def camel(key: str) -> str:
    """Return a key in camel case: `function_call` and `functionCall` are one to the API."""
    return _UNDERLINE.sub(lambda found: found[1].upper(), key)


def both(keys: frozenset[str]) -> frozenset[str]:
    """Return the keys, which are in camel case, with their other spellings."""
    return keys | {_UPPER.sub(lambda found: f"_{found[0].lower()}", key) for key in keys}


def _by_content(part: Mapping[str, Any], label: Label) -> Label:
    """Label a part of a message by what it holds, when that is a tool call or the result of one."""
    if label[1] != "text":
        return label
    held = {camel(key) for key in part}
    if held & CALLS:
        return (label[0], "tool_call")
    return ("tool", "tool_result") if held & RESULTS else label


def _contents(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Label each message by its own role. One alone, or a text, is a list of one."""
    if isinstance(value, list):
        for index, content in enumerate(value):
            _content(walk, {}, content, f"{at}/{index}", FIELD)
    else:
        _content(walk, {}, value, at, FIELD)


def _content(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read one message, of a prompt or of a candidate."""
    if not isinstance(value, dict):
        walk.syntax(value, at, _ROLES["user"])
        return
    answers = at.startswith("/candidates/")
    role = value.get("role", "")
    known = _ROLES.get(role, FIELD) if isinstance(role, str) else FIELD
    walk.members(value, at, ASSISTANT if answers else known)


def _system(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _quoted(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read a piece of the answer that a source supports: it repeats what the assistant says."""
    walk.syntax(value, at, ASSISTANT)


def _blob(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read media: `data` is exempt as far as it is what it should be."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    media_type = string(value, "mimeType") or string(value, "mime_type")
    kind = media_type.partition("/")[0]
    walk.members({key: item for key, item in value.items() if key != "data"}, at, label)
    if "data" in value:
        found = read_media(value["data"], media_type)
        walk.encoded(
            value["data"], f"{at}/data", label, kind if kind in ("image", "audio") else "file", found
        )


def _signature(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    found = read_sealed(value)
    walk.encoded(value, at, signed(label) if found else label, "signature", found)


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what columns tell of tokens."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, tokens in value.items():
        here = f"{at}/{escape(key)}"
        if key not in RESPONSE.words:
            walk.text(key, here, label, "key")
        if key in both(words("chosenCandidates")):
            read_tokens(walk, tokens, here, label, at)
        elif key in both(words("topCandidates")):
            read_beside(walk, tokens, here, at)
        else:
            walk.counted(tokens, here, label)


def _spelled(reader: Reader, keys: str) -> dict[str, Reader]:
    return dict.fromkeys(both(words(keys)), reader)


def _file(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.references.append("fileUri")
    url(walk, parent, value, at, label)


# Keys of the schema: https://ai.google.dev/api/generate-content, /tokens, /embeddings, /caching
_READERS: dict[str, Reader] = {
    **_spelled(
        structural,
        """
        model role name id mimeType language outcome threshold category mode toolType taskType
        responseMimeType responseModalities mediaResolution voiceName languageCode environment
        allowedFunctionNames behavior scheduling thinkingLevel aspectRatio imageSize personGeneration
        method type
        """,
    ),
    **_spelled(
        free, "args parameters parametersJsonSchema responseJsonSchema responseSchema response labels"
    ),
    **_spelled(labeled("tool_definition"), "tools"),
    **_spelled(reference("cachedContent"), "cachedContent"),
    **_spelled(reference("fileSearchStoreNames"), "fileSearchStoreNames"),
    **_spelled(_file, "fileUri"),
    **_spelled(url, "uri"),
    **_spelled(_contents, "contents"),
    **_spelled(_content, "content"),
    **_spelled(_system, "systemInstruction"),
    **_spelled(_blob, "inlineData"),
    **_spelled(_signature, "thoughtSignature"),
}
_COMMON = both(
    words(
        """
        parts text thought functionCall functionResponse executableCode codeExecutionResult toolCall
        toolResponse fileData code output videoMetadata startOffset endOffset fps displayName willContinue
        partMetadata title index
        """
    )
)
_REQUEST_WORDS = both(
    words(
        """
        generateContentRequest requests generationConfig safetySettings toolConfig functionCallingConfig
        retrievalConfig latLng latitude longitude functionDeclarations description googleSearch
        googleSearchRetrieval dynamicRetrievalConfig dynamicThreshold codeExecution urlContext googleMaps
        computerUse excludedPredefinedFunctions fileSearch timeRangeFilter startTime endTime enableWidget
        candidateCount maxOutputTokens temperature topP topK seed stopSequences presencePenalty
        frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig voiceConfig
        prebuiltVoiceConfig multiSpeakerVoiceConfig speakerVoiceConfigs speaker thinkingConfig
        includeThoughts thinkingBudget imageConfig outputDimensionality store serviceTier
        """
    )
)
_RESPONSE_WORDS = both(
    words(
        """
        candidates error message status details citationMetadata citationSources citations startIndex
        endIndex publicationDate license groundingMetadata groundingChunks web domain retrievedContext
        groundingSupports partIndex groundingChunkIndices confidenceScores webSearchQueries
        searchEntryPoint renderedContent sdkBlob retrievalMetadata googleSearchDynamicRetrievalScore
        urlContextMetadata urlMetadata retrievedUrl urlRetrievalStatus finishMessage promptFeedback
        blockReasonMessage embedding embeddings statistics probability severity blocked probabilityScore
        severityScore
        promptTokenCount candidatesTokenCount totalTokenCount thoughtsTokenCount toolUsePromptTokenCount
        cachedContentTokenCount promptTokensDetails candidatesTokensDetails cacheTokensDetails
        toolUsePromptTokensDetails modality topCandidates chosenCandidates token tokenId logProbability
        logProbabilitySum trafficType
        """
    )
)
_RESPONSE_READERS: dict[str, Reader] = {
    **_READERS,
    **_spelled(structural, "finishReason blockReason modelVersion responseId modelStatus reason @type"),
    **_spelled(
        counted, "usageMetadata createTime tokenCount totalTokens avgLogprobs safetyRatings statistics"
    ),
    **_spelled(counted, "totalBillableCharacters billableCharacterCount modelStage"),
    **_spelled(vector, "values"),
    **_spelled(url, "retrievedUrl"),
    **_spelled(_quoted, "segment"),
    **_spelled(_logprobs, "logprobsResult"),
}
REQUEST = Grammar(_COMMON | _REQUEST_WORDS | _READERS.keys(), _READERS, _by_content)
RESPONSE = Grammar(_COMMON | _RESPONSE_WORDS | _RESPONSE_READERS.keys(), _RESPONSE_READERS, _by_content)
VOCABULARY = REQUEST.words | RESPONSE.words
