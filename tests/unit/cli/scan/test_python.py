"""Python is read by its syntax: what is imported under which name, and what a call says."""

from __future__ import annotations

import pytest

from cli.scan.python import NotPython, python_clients, python_hosts

DIRECT = [
    "from openai import OpenAI\nOpenAI()",
    "import openai as o\no.AsyncOpenAI(api_key='k')",
    "from openai import OpenAI as Model\nModel(base_url=None)",
    "from openai import OpenAI\nOpenAI(**options)",
    "import anthropic\nclient = anthropic.Anthropic(max_retries=2)",
    "from google import genai\ngenai.Client(api_key=key)",
    "import google.genai\ngoogle.genai.Client()",
    "from langchain_openai.chat_models import ChatOpenAI\nChatOpenAI(model='m')",
    "import litellm\nlitellm.completion(model='gpt-5', messages=[])",
    "import boto3\nboto3.client('bedrock-runtime', region_name='eu-west-1')",
    "import boto3\nboto3.client(service_name='bedrock-runtime')",
    "def f():\n    from groq import Groq\n    return Groq()",
]
MOVED = [
    "from openai import OpenAI\nOpenAI(base_url=GATEWAY)",
    "from openai import AzureOpenAI\nAzureOpenAI(azure_endpoint=settings.gateway)",
    "from anthropic import Anthropic\nAnthropic(base_url='http://regate:8700/anthropic')",
    "from google import genai\ngenai.Client(http_options={'base_url': GATEWAY})",
    "import boto3\nboto3.client('s3')",
    "import boto3\nboto3.client('bedrock-runtime', endpoint_url=GATEWAY)",
    "class OpenAI: ...\nOpenAI()",
    "from .clients import OpenAI\nOpenAI()",
    "from redis import Client\nClient()",
]


@pytest.mark.parametrize("text", DIRECT)
def test_a_client_without_an_address_is_found_where_it_is_made(text: str) -> None:
    assert [line for line, _, _ in python_clients(text)] == [text.count("\n") + 1]


@pytest.mark.parametrize("text", MOVED)
def test_a_client_with_an_address_or_another_one_is_let_be(text: str) -> None:
    assert list(python_clients(text)) == []


def test_hosts_are_found_in_strings_and_not_in_docstrings_or_comments() -> None:
    text = '"""Calls api.openai.com."""\n# api.groq.com\nURL = f"https://api.anthropic.com/{path}"\nx = "\\d"'
    assert [(line, host.group()) for line, host in python_hosts(text)] == [(3, "api.anthropic.com")]


@pytest.mark.parametrize("text", ["print 'two'", "{{ template }} = 1", "\0", "(" * 5000])
def test_what_is_no_python_is_told(text: str) -> None:
    with pytest.raises(NotPython):
        list(python_clients(text))


@pytest.mark.parametrize(
    "text",
    [
        "import boto3\nboto3.Session().client('bedrock-runtime')",
        "session.client('bedrock-runtime', region_name='eu-west-1')",
        "import openai\nopenai.chat.completions.create(model='m', messages=[])",
        "from langchain.chat_models import init_chat_model\ninit_chat_model('gpt-5')",
        "from langchain_community.chat_models import ChatOpenAI\nChatOpenAI()",
    ],
)
def test_a_client_that_is_made_elsewhere_is_found_where_it_is_used(text: str) -> None:
    assert len(list(python_clients(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "session.client('bedrock-runtime', endpoint_url=GATEWAY)",
        "import openai\nopenai.base_url = GATEWAY\nopenai.chat.completions.create(model='m', messages=[])",
    ],
)
def test_a_client_of_a_module_that_was_moved_is_let_be(text: str) -> None:
    assert list(python_clients(text)) == []
