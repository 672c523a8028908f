"""The providers of `regate.yaml`: where each is reached, and with what."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

import msgspec

BUILT_IN = "builtin:demo"
GOOGLE = "gcp:"
Label = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Weight = Annotated[int, msgspec.Meta(ge=1, le=1000)]
REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")
_CREDENTIAL = re.compile(
    rf"({REFERENCE.pattern}|exec:\s*\S.*|gcp:(default|/.+)|vault:[\w.-]+(/[\w.@ -]+)+#[\w.@-]+)", re.ASCII
)
_BASE_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
_PROXY = re.compile(rf"(environment|https?://[^/?#@\s]+/?|{REFERENCE.pattern})")
# No header that means something to HTTP itself, or that goes up from the agent.
KEY_HEADER = r"^(|authorization|api-key|[a-z0-9-]+-(api-)?(key|token))$"
_HEADER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NO_HEADER = re.compile(
    r"host|connection|te|trailer|upgrade|expect|via|accept-encoding|(content|transfer|proxy|keep|x-regate)-.*"
    r"|(.*-)?(authorization|cookie|token|secret|password|api-?key|key)"
)
_REGION = re.compile(r"://bedrock[a-z-]*\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)")
_EXPECTED = "expected a reference, env:NAME, file:/path, exec:COMMAND, vault:MOUNT/PATH#MEMBER or gcp:/path"


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a million tokens cost, in whatever currency all prices are in."""

    input: Annotated[float, msgspec.Meta(ge=0)]
    output: Annotated[float, msgspec.Meta(ge=0)]


class Aws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of AWS to sign requests with, as references, never values; the region is no secret."""

    access_key: str
    secret_key: str
    session_token: str = ""
    region: Annotated[str, msgspec.Meta(pattern=r"^(|[a-z]{2}(-[a-z]+)+-\d+)$")] = ""

    def __post_init__(self) -> None:
        for name in ("access_key", "secret_key", "session_token"):
            if (given := getattr(self, name)) and not REFERENCE.fullmatch(given):
                # the text may be the secret itself, so it is not repeated
                raise ValueError(f"{name}: expected a reference, env:NAME or file:/path")


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a provider may take, in seconds: to connect, and without a byte; None is what `limits` say."""

    connect: Seconds | None = None
    read: Seconds | None = None


class WeightedCredential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several credentials; of sessions it gets a share by its weight."""

    credential: str
    weight: Weight = 1

    def __post_init__(self) -> None:
        check_credential(self.credential)


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place where a provider is served. Without credentials of its own it is called with the provider's."""

    base_url: str
    weight: Weight = 1
    credential: str = ""
    credentials: tuple[WeightedCredential, ...] = ()

    def __post_init__(self) -> None:
        _check_place(self.base_url, self.credential, self.credentials)


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configured LLM endpoint. `credential` is a reference (`env:NAME`, `file:/path`), never a value.

    `credential_header` is the header in which it goes up, as it is; "" is the way of the family. With `aws`
    requests are signed instead. `prices` by model, a name or a glob: the first that fits counts. `labels` are
    for policy: `region: eu`. `exchanges` is how many of its calls are under way at once in a worker.
    `deployments` are further places beside `base_url`, `fallback` the providers that are asked, one after the
    other, where it did not serve.
    """

    family: str
    base_url: str
    credential: str = ""
    prices: dict[str, Price] = {}
    credential_header: Annotated[str, msgspec.Meta(pattern=KEY_HEADER)] = ""
    labels: dict[Label, Label] = {}
    exchanges: Annotated[int, msgspec.Meta(gt=0)] | None = None
    aws: Aws | None = None
    credentials: tuple[WeightedCredential, ...] = ()
    weight: Weight = 1
    deployments: tuple[Deployment, ...] = ()
    ca: str = ""
    proxy: str = ""
    headers: dict[str, str] = {}
    timeouts: Timeouts = Timeouts()
    fallback: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[Deployment, ...]:
        """All places where it is served, each with its credentials."""
        own = weighted(self.credential, self.credentials)
        first = Deployment(self.base_url, self.weight, credentials=own)
        return (
            first,
            *(
                msgspec.structs.replace(
                    one, credential="", credentials=weighted(one.credential, one.credentials) or own
                )
                for one in self.deployments
            ),
        )

    @property
    def references(self) -> tuple[str, ...]:
        """All references to what the provider is called with at `base_url`."""
        keys = (self.aws.access_key, self.aws.secret_key, self.aws.session_token) if self.aws else ()
        return tuple(filter(None, (self.credential, *(one.credential for one in self.credentials), *keys)))

    @property
    def all_references(self) -> tuple[str, ...]:
        """The references at all places."""
        there = (each.credential for place in self.places for each in place.credentials)
        return tuple(dict.fromkeys((*self.references, *there)))

    @property
    def region(self) -> str:
        """The region of AWS: the configured one, or that of the address."""
        found = _REGION.search(self.base_url)
        return (self.aws.region if self.aws else "") or (found[1] if found else "")

    def __post_init__(self) -> None:
        _check_place(self.base_url, self.credential, self.credentials)
        if self.aws and (self.credential or self.credentials or self.credential_header):
            raise ValueError("aws: found a credential beside it; expected keys to sign with, or a credential")
        if self.aws and not self.region:
            raise ValueError("aws.region: expected it, since base_url names none")
        if self.aws and self.deployments:
            raise ValueError("deployments: found aws beside it; a signature is for one region")
        if self.proxy and not _PROXY.fullmatch(self.proxy):
            # it may hold a password, so it is not repeated
            raise ValueError(
                "proxy: expected http(s)://host:port without a password, environment, or a reference to an "
                "address with one, env:NAME or file:/path"
            )
        for name, text in self.headers.items():
            if not _HEADER.fullmatch(name) or _NO_HEADER.fullmatch(name):
                expected = "a name in lower case that is no credential's and none of the connection's"
                raise ValueError(f"headers: found {name!r}; expected {expected}")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"headers.{name}: expected printable ASCII")
        if len({one.startswith(GOOGLE) for one in self.all_references}) > 1:
            raise ValueError(
                f"credential: found {GOOGLE} beside others; expected it alone: it is a bearer token"
            )
        places = [place.base_url.rstrip("/") for place in self.places]
        if self.deployments and BUILT_IN in places:
            raise ValueError(f"deployments: found {BUILT_IN} among them; expected addresses")
        if len(set(places)) < len(places):
            raise ValueError("deployments: found an address twice; a place has one weight")


def weighted(credential: str, credentials: tuple[WeightedCredential, ...]) -> tuple[WeightedCredential, ...]:
    """Return one credential, or several, as a list."""
    return credentials or ((WeightedCredential(credential),) if credential else ())


def check_credential(given: str) -> None:
    """Raise ValueError unless it is a reference. It may be the secret itself, so it is not repeated."""
    if not _CREDENTIAL.fullmatch(given):
        raise ValueError(f"credential: {_EXPECTED}")
    try:
        shlex.split(given if given.startswith("exec:") else "")
    except ValueError:
        raise ValueError("credential: expected the quotes of the command of exec: to end") from None


def _check_place(base_url: str, credential: str, credentials: tuple[WeightedCredential, ...]) -> None:
    if base_url != BUILT_IN and not _BASE_URL.fullmatch(base_url):
        raise ValueError(f"base_url: expected http(s)://host[/path] without a query, or {BUILT_IN}")
    if credential:
        check_credential(credential)
    if credential and credentials:
        raise ValueError("credentials: found credential beside it; expected one of the two")
