"""The providers that code can call: their hosts, the clients of their SDKs, the shape of their keys."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vendor:
    """A provider's API. `path` is where the gateway serves it; `variables` can move its SDKs there."""

    name: str
    hosts: str  # a pattern
    path: str
    variables: tuple[str, ...] = ()


_OPENAI = ("OPENAI_BASE_URL", "OPENAI_API_BASE")

VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor("openai", r"(?:[a-z]{2}\.)?api\.openai\.com", "/openai/v1", _OPENAI),
        Vendor(
            "azure",
            r"[\w-]+\.(?:openai\.azure|services\.ai\.azure)\.com",
            "/azure",
            ("AZURE_OPENAI_ENDPOINT",),
        ),
        Vendor(
            "anthropic", r"api\.anthropic\.com", "/anthropic", ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL")
        ),
        Vendor("gemini", r"generativelanguage\.googleapis\.com", "/gemini", ("GOOGLE_GEMINI_BASE_URL",)),
        Vendor("vertex", r"(?:[\w-]+-)?aiplatform\.googleapis\.com", "/vertex", ("GOOGLE_VERTEX_BASE_URL",)),
        Vendor(
            "bedrock",
            r"bedrock(?:-agent)?-runtime(?:-fips)?\.[\w-]+\.amazonaws\.com(?:\.cn)?",
            "/bedrock",
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
        ),
        Vendor("mistral", r"(?:api|codestral)\.mistral\.ai", "/mistral"),
        Vendor("groq", r"api\.groq\.com", "/groq", ("GROQ_BASE_URL",)),
        Vendor("cohere", r"api\.cohere\.(?:com|ai)", "/cohere", ("CO_API_URL",)),
        Vendor("deepseek", r"api\.deepseek\.com", "/deepseek"),
        Vendor("xai", r"api\.x\.ai", "/xai"),
        Vendor("openrouter", r"openrouter\.ai/api", "/openrouter"),
        Vendor("together", r"api\.together\.(?:xyz|ai)", "/together", ("TOGETHER_BASE_URL",)),
        Vendor("perplexity", r"api\.perplexity\.ai", "/perplexity"),
        Vendor("fireworks", r"api\.fireworks\.ai", "/fireworks"),
        Vendor("cerebras", r"api\.cerebras\.ai", "/cerebras", ("CEREBRAS_BASE_URL",)),
        Vendor("huggingface", r"(?:router|api-inference)\.huggingface\.co", "/huggingface"),
        Vendor("replicate", r"api\.replicate\.com", "/replicate"),
        Vendor("nvidia", r"integrate\.api\.nvidia\.com", "/nvidia"),
        Vendor("moonshot", r"api\.moonshot\.(?:ai|cn)", "/moonshot"),
        Vendor("dashscope", r"dashscope(?:-intl)?\.aliyuncs\.com", "/dashscope"),
    )
}

# No letter or dot before it: `api.x.ai` is no part of `my-api.x.ai`.
_HOSTS = "|".join(f"(?P<{one.name}>{one.hosts})" for one in VENDORS.values())
HOST = re.compile(rf"(?i)(?<![\w.-])(?:{_HOSTS})(?![\w-])(?!\.\w)")


@dataclass(frozen=True, slots=True)
class Client:
    """A constructor, or a call without one, that reaches the provider unless one of `moved_by` is given."""

    vendor: str
    package: str  # what a file has to import
    names: tuple[str, ...]
    moved_by: tuple[str, ...]


PYTHON = (
    Client("openai", "openai", ("OpenAI", "AsyncOpenAI"), ("base_url",)),
    Client("azure", "openai", ("AzureOpenAI", "AsyncAzureOpenAI"), ("azure_endpoint", "base_url")),
    Client("anthropic", "anthropic", ("Anthropic", "AsyncAnthropic"), ("base_url",)),
    Client("bedrock", "anthropic", ("AnthropicBedrock", "AsyncAnthropicBedrock"), ("base_url",)),
    Client("vertex", "anthropic", ("AnthropicVertex", "AsyncAnthropicVertex"), ("base_url",)),
    Client("gemini", "google.genai", ("Client",), ("http_options",)),
    Client("gemini", "google.generativeai", ("configure",), ("client_options",)),
    Client("mistral", "mistralai", ("Mistral",), ("server_url", "client", "async_client")),
    Client("groq", "groq", ("Groq", "AsyncGroq"), ("base_url",)),
    Client("cohere", "cohere", ("Client", "ClientV2", "AsyncClient", "AsyncClientV2"), ("base_url",)),
    Client("together", "together", ("Together", "AsyncTogether"), ("base_url",)),
    Client("cerebras", "cerebras.cloud.sdk", ("Cerebras", "AsyncCerebras"), ("base_url",)),
    Client(
        "openai",
        "langchain_openai",
        ("ChatOpenAI", "OpenAI", "OpenAIEmbeddings"),
        ("base_url", "openai_api_base"),
    ),
    Client("anthropic", "langchain_anthropic", ("ChatAnthropic",), ("base_url", "anthropic_api_url")),
    Client("gemini", "langchain_google_genai", ("ChatGoogleGenerativeAI",), ("base_url", "client_options")),
    Client(
        "bedrock",
        "langchain_aws",
        ("ChatBedrock", "ChatBedrockConverse"),
        ("base_url", "endpoint_url", "client"),
    ),
    Client("openai", "llama_index.llms.openai", ("OpenAI", "OpenAIResponses"), ("api_base",)),
    Client("anthropic", "llama_index.llms.anthropic", ("Anthropic",), ("base_url",)),
    Client(
        "openai", "litellm", ("completion", "acompletion", "embedding", "responses"), ("api_base", "base_url")
    ),
    # the client that the module itself is
    *(
        Client("openai", f"openai.{name}", ("create", "parse", "stream"), ())
        for name in ("chat.completions", "responses", "embeddings", "ChatCompletion")
    ),
    Client("openai", "langchain", ("init_chat_model",), ("base_url", "openai_api_base")),
    Client("openai", "langchain_community", ("ChatOpenAI", "OpenAI"), ("base_url", "openai_api_base")),
    Client("anthropic", "langchain_community", ("ChatAnthropic",), ("base_url", "anthropic_api_url")),
)
# JavaScript and TypeScript: `new Name(`, `name(`; the arguments name what moves it.
SCRIPT = (
    Client("openai", "openai", ("new OpenAI",), ("baseURL",)),
    Client("azure", "openai", ("new AzureOpenAI",), ("endpoint", "baseURL")),
    Client("anthropic", "@anthropic-ai/sdk", ("new Anthropic",), ("baseURL",)),
    Client("bedrock", "@anthropic-ai/bedrock-sdk", ("new AnthropicBedrock",), ("baseURL",)),
    Client("vertex", "@anthropic-ai/vertex-sdk", ("new AnthropicVertex",), ("baseURL",)),
    Client("gemini", "@google/genai", ("new GoogleGenAI",), ("httpOptions",)),
    Client("gemini", "@google/generative-ai", ("new GoogleGenerativeAI",), ("baseUrl",)),
    Client(
        "bedrock",
        "@aws-sdk/client-bedrock-runtime",
        ("new BedrockRuntimeClient", "new BedrockRuntime"),
        ("endpoint",),
    ),
    Client("openai", "@ai-sdk/openai", ("createOpenAI",), ("baseURL",)),
    Client("anthropic", "@ai-sdk/anthropic", ("createAnthropic",), ("baseURL",)),
    Client("gemini", "@ai-sdk/google", ("createGoogleGenerativeAI",), ("baseURL",)),
    Client("mistral", "@ai-sdk/mistral", ("createMistral",), ("baseURL",)),
    Client("groq", "@ai-sdk/groq", ("createGroq",), ("baseURL",)),
    Client("mistral", "@mistralai/mistralai", ("new Mistral",), ("serverURL",)),
    Client("groq", "groq-sdk", ("new Groq",), ("baseURL",)),
    Client("cohere", "cohere-ai", ("new CohereClient", "new CohereClientV2"), ("environment", "baseUrl")),
    Client(
        "openai", "@langchain/openai", ("new ChatOpenAI", "new OpenAIEmbeddings"), ("baseURL", "basePath")
    ),
    Client("anthropic", "@langchain/anthropic", ("new ChatAnthropic",), ("anthropicApiUrl", "baseURL")),
)
# The ready-made instances of the Vercel AI SDK: importing one is enough.
READY_MADE = {
    "@ai-sdk/openai": ("openai", "openai"),
    "@ai-sdk/anthropic": ("anthropic", "anthropic"),
    "@ai-sdk/google": ("google", "gemini"),
    "@ai-sdk/mistral": ("mistral", "mistral"),
    "@ai-sdk/groq": ("groq", "groq"),
    "@ai-sdk/amazon-bedrock": ("bedrock", "bedrock"),
}
RUBY = (
    Client("openai", "openai", ("OpenAI::Client.new",), ("uri_base", "base_url")),
    Client("anthropic", "anthropic", ("Anthropic::Client.new",), ("base_url", "uri_base")),
    Client("openai", "ruby_llm", ("RubyLLM.configure",), ("openai_api_base",)),
)
GO = (
    Client("openai", "github.com/openai/openai-go", ("openai.NewClient",), ("WithBaseURL",)),
    Client("openai", "github.com/sashabaranov/go-openai", ("openai.NewClient",), ("BaseURL",)),
    Client("anthropic", "github.com/anthropics/anthropic-sdk-go", ("anthropic.NewClient",), ("WithBaseURL",)),
    Client("gemini", "google.golang.org/genai", ("genai.NewClient",), ("HTTPOptions",)),
    Client("bedrock", "service/bedrockruntime", ("bedrockruntime.NewFromConfig",), ("BaseEndpoint",)),
)
# A builder says its address up to the end of the statement.
JAVA = (
    Client(
        "openai",
        "com.openai.client",
        ("OpenAIOkHttpClient.builder", "OpenAIOkHttpClient.fromEnv"),
        ("baseUrl",),
    ),
    Client(
        "anthropic",
        "com.anthropic.client",
        ("AnthropicOkHttpClient.builder", "AnthropicOkHttpClient.fromEnv"),
        ("baseUrl",),
    ),
    Client(
        "openai",
        "dev.langchain4j.model.openai",
        ("OpenAiChatModel.builder", "OpenAiStreamingChatModel.builder"),
        ("baseUrl",),
    ),
    Client(
        "anthropic",
        "dev.langchain4j.model.anthropic",
        ("AnthropicChatModel.builder", "AnthropicStreamingChatModel.builder"),
        ("baseUrl",),
    ),
    Client(
        "bedrock",
        "software.amazon.awssdk.services.bedrockruntime",
        ("BedrockRuntimeClient.builder", "BedrockRuntimeClient.create"),
        ("endpointOverride",),
    ),
)

# What keys begin with; the detectors of the data path say whether one is a key.
KEYS = (
    ("anthropic", "sk-ant-"),
    ("openrouter", "sk-or-"),
    ("openai", "sk-"),
    ("gemini", "AIza"),
    ("groq", "gsk_"),
    ("xai", "xai-"),
    ("huggingface", "hf_"),
    ("perplexity", "pplx-"),
    ("replicate", "r8_"),
    ("bedrock", "ABSK"),
    ("nvidia", "nvapi-"),
)
