"""What `regate up` says when it starts for the first time: keys, a request to paste, and where things are."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from cli.keys import opened_keyring
from cli.opened import opened_state
from gateway.config import BUILT_IN, Config, Provider, load_server_key, resolve_reference
from gateway.http.console import sign_in_path
from gateway.oversight import MadeKey, NewKey, local_user
from gateway.state import Keys

_LIFE_SECONDS = 86_400
_AGENT = NewKey(agent="demo", owner="demo", expires_seconds=_LIFE_SECONDS)
_PERSON = NewKey(agent="console", owner="you", role="admin", expires_seconds=_LIFE_SECONDS)
_LINES = {
    "openai": '  Python      OpenAI(base_url="{base}/{name}/v1", api_key="{key}")\n'
    '  Node        new OpenAI({{ baseURL: "{base}/{name}/v1", apiKey: "{key}" }})',
    "anthropic": '  Python      Anthropic(base_url="{base}/{name}", api_key="{key}")\n'
    '  Node        new Anthropic({{ baseURL: "{base}/{name}", apiKey: "{key}" }})',
}
_REQUEST = """
  curl -s {base}/{name}/v1/chat/completions \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"model": "demo", "messages": [{{"role": "user", "content": "Write to jane.roe@acme.org"}}]}}'
"""


def is_first(config: Config) -> bool:
    """Return whether this gateway has no key yet and serves this machine alone.

    Elsewhere its output may be a log that others read, where no key belongs.
    """
    if not _is_local(config.host):
        return False
    with opened_state(config) as state:
        return not Keys(state).list()


def welcome(config: Config, base: str, *, to_terminal: bool) -> str:
    """Make keys for a day and a link that signs in once, and return the page that shows them.

    A person's key is shown on a terminal alone: other output is kept for longer than its link is good.

    Raises ConfigError, StateUnavailable, RecordingFailed.
    """
    with ThreadPoolExecutor(1) as thread:  # an event loop runs in this one
        agent, person = thread.submit(lambda: asyncio.run(_make_keys(config))).result()
    link = base + sign_in_path(load_server_key(config.key_path), person["id"])
    values = {"base": base, "key": agent["key"]}
    demo = next((name for name, each in config.providers.items() if each.base_url == BUILT_IN), "")
    lines = [
        "regate: first steps. The keys last a day; the link signs in once, within ten minutes.",
        "",
        f"  console     {link}",
        f"  agent key   {agent['key']}",
        *([f"  admin key   {person['key']}   (you: for REGATE_KEY and the console)"] if to_terminal else []),
        "",
    ]
    for family, text in _LINES.items():
        named = [name for name, each in config.providers.items() if each.family == family]
        named.sort(key=lambda name: not _is_enabled(config.providers[name]))  # what works at once goes first
        lines += [text.format(**values, name=named[0])] if named else []
    lines += [
        "",
        f"  policy      {config.policy_path}: rules in rules/, models and budgets in settings/data.yaml",
        f'  evidence    {config.audit_path}: regate audit sql "from exchanges"',
        *(["", "regate: try", _REQUEST.format(**values, name=demo)] if demo else []),
    ]
    return "\n".join(lines)


def _is_enabled(provider: Provider) -> bool:
    """Return whether the environment and the files that its credentials name are there."""
    named = [one for one in provider.all_references if one.startswith(("env:", "file:"))]
    return all(resolve_reference(one) for one in named)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _make_keys(config: Config) -> tuple[MadeKey, MadeKey]:
    """Make them as `regate keys create` does: each is on record before it is shown."""
    with opened_keyring(config) as keyring:
        return await keyring.create(local_user(), _AGENT), await keyring.create(local_user(), _PERSON)
