"""Made-up secrets in the published formats of the services that issue them, and what carries them."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

_UPPER, _LOWER, _DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
_ALNUM, _HEX = string.ascii_letters + _DIGITS, "0123456789abcdef"
_URL = _ALNUM + "-_"
Make = Callable[[random.Random], str]


def _shape(*pieces: str | tuple[str, int]) -> Make:
    """Literals as they stand, and (alphabet, length) as so many characters of it, one of them a digit."""

    def make(source: random.Random) -> str:
        return "".join(piece if isinstance(piece, str) else _random(source, *piece) for piece in pieces)

    return make


def _random(source: random.Random, alphabet: str, length: int) -> str:
    """Random characters that begin and end with a letter or digit, as no tokenizer may split them."""
    inner = "".join(source.choice(alphabet) for _ in range(length))
    ends = [char for char in alphabet if char.isalnum()]
    return source.choice(ends) + inner[1:-1] + source.choice(ends) if length > 1 else inner


API_KEYS: dict[str, Make] = {
    "AWS access key id": _shape("AKIA", (_UPPER + "234567", 16)),
    "AWS temporary key id": _shape("ASIA", (_UPPER + "234567", 16)),
    "GitHub personal": _shape("ghp_", (_ALNUM, 36)),
    "GitHub OAuth": _shape("gho_", (_ALNUM, 36)),
    "GitHub fine-grained": _shape("github_pat_", (_ALNUM, 22), "_", (_ALNUM, 59)),
    "GitLab personal": _shape("glpat-", (_URL, 20)),
    "GitLab runner": _shape("glrt-", (_URL, 20)),
    "GitLab trigger": _shape("glptt-", (_HEX, 40)),
    "Slack bot": _shape("xoxb-", (_DIGITS, 12), "-", (_DIGITS, 13), "-", (_ALNUM, 24)),
    "Slack webhook": _shape(
        "https://hooks.slack.com/services/T", (_UPPER, 8), "/B", (_UPPER, 10), "/", (_ALNUM, 24)
    ),
    "Google API": _shape("AIzaSy", (_URL, 33)),
    "Google OAuth secret": _shape("GOCSPX-", (_URL, 28)),
    "Stripe live": _shape("sk_live_", (_ALNUM, 24)),
    "Stripe restricted": _shape("rk_live_", (_ALNUM, 99)),
    "OpenAI project": _shape("sk-proj-", (_URL, 74), "T3BlbkFJ", (_URL, 74)),
    "OpenAI": _shape("sk-", (_ALNUM, 20), "T3BlbkFJ", (_ALNUM, 20)),
    "Anthropic": _shape("sk-ant-api03-", (_URL, 93), "AA"),
    "Hugging Face": _shape("hf_", (string.ascii_letters, 34)),
    "npm": _shape("npm_", (_ALNUM, 36)),
    "PyPI": _shape("pypi-AgEIcHlwaS5vcmc", (_URL, 120)),
    "SendGrid": _shape("SG.", (_URL, 22), ".", (_URL, 43)),
    "Twilio": _shape("SK", (_HEX, 32)),
    "Mailchimp": _shape((_HEX, 32), "-us12"),
    "Telegram bot": _shape((_DIGITS[1:], 10), ":AA", (_URL, 33)),
    "Discord bot": _shape("MT", (_ALNUM, 24), ".", (_URL, 6), ".", (_URL, 38)),
    "Shopify": _shape("shpat_", (_HEX, 32)),
    "DigitalOcean": _shape("dop_v1_", (_HEX, 64)),
    "Databricks": _shape("dapi", (_HEX, 32)),
    "Linear": _shape("lin_api_", (_ALNUM, 40)),
    "Postman": _shape("PMAK-", (_HEX, 24), "-", (_HEX, 34)),
    "Docker Hub": _shape("dckr_pat_", (_URL, 27)),
    "HashiCorp Vault": _shape("hvs.", (_URL, 90)),
    "Grafana": _shape("glsa_", (_ALNUM, 32), "_", (_HEX, 8)),
    "Square": _shape("sq0csp-", (_URL, 43)),
    "New Relic": _shape("NRAK-", (_UPPER + _DIGITS, 27)),
    "Replicate": _shape("r8_", (_ALNUM, 37)),
    "Groq": _shape("gsk_", (_ALNUM, 52)),
    "age": _shape("AGE-SECRET-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
}
# The value is a secret only beside its name.
NAMED_KEYS: dict[str, tuple[str, Make]] = {
    "AWS secret key": ('aws_secret_access_key = "{}"', _shape((_ALNUM + "+/", 40))),
    "Azure storage": (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={}==;",
        _shape((_ALNUM, 86)),
    ),
    "bearer token": ("Authorization: Bearer {}", _shape((_ALNUM, 40))),
    "IBM Cloud": ("ibm_cloud_iam_api_key: {}", _shape((_URL, 44))),
    "Datadog": ("DD_API_KEY={}", _shape((_HEX, 32))),
}


def jwt(source: random.Random) -> str:
    def part(data: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    claims = {"sub": str(source.randrange(10**9)), "iat": 1763802000 + source.randrange(10**6)}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(dict(claims))}.{_random(source, _URL, 86)}"


def private_key(source: random.Random) -> str:
    """A block in PEM; every third one is cut off."""
    kind = source.choice(["RSA ", "EC ", "", "OPENSSH "])
    lines = ["".join(source.choice(_ALNUM + "+/") for _ in range(64)) for _ in range(source.randrange(4, 26))]
    end = f"\n-----END {kind}PRIVATE KEY-----" if source.randrange(3) else ""
    return f"-----BEGIN {kind}PRIVATE KEY-----\n" + "\n".join(lines) + end


def password(source: random.Random) -> str:
    word = source.choice(["Winter", "tiger", "Blue", "correct", "maple", "Zx"])
    return f"{word}{_random(source, _ALNUM, 5)}{source.choice('!#%*?-_')}{source.randrange(10, 99)}"


def connection_string(source: random.Random) -> str:
    user, secret = source.choice(["app", "svc_user", "admin"]), password(source).replace("%", "x")
    host = f"{source.choice(['db', 'cache', 'mq'])}{source.randrange(9)}.internal.example"
    scheme = source.choice(["postgres", "mysql", "mongodb+srv", "redis", "amqps", "postgresql+psycopg"])
    return source.choice(
        [
            f"{scheme}://{user}:{secret.replace('#', 'h').replace('?', 'q')}@{host}/prod",
            f"Server={host};Database=prod;User Id={user};Password={secret};",
        ]
    )
