"""The shapes of secrets that kingfisher does not know or knows too strictly: our own and detect-secrets'."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import regex

from gateway.detect.entities.plugins import (
    CloudantDetector,
    DiscordBotTokenDetector,
    GitLabTokenDetector,
    IbmCloudIamDetector,
    IbmCosHmacDetector,
    MailchimpDetector,
    PypiTokenDetector,
    RegexBasedDetector,
    SendGridDetector,
    SoftlayerDetector,
    SquareOAuthDetector,
    StripeDetector,
    TelegramBotTokenDetector,
    TwilioKeyDetector,
)
from gateway.detect.entities.values import (
    has_digit,
    is_basic,
    is_password_of_a_url,
    is_random,
    is_varied,
)
from gateway.detect.matching.patterns import late

# Of detect-secrets only the patterns are used. Not those for entropy and keywords, which fire on most code;
# not those of OpenAI and npm, which are quadratic; and not those for what is found better here.
_PLUGINS: tuple[type[RegexBasedDetector], ...] = (
    CloudantDetector,
    DiscordBotTokenDetector,
    GitLabTokenDetector,
    IbmCloudIamDetector,
    IbmCosHmacDetector,
    MailchimpDetector,
    PypiTokenDetector,
    SendGridDetector,
    SoftlayerDetector,
    SquareOAuthDetector,
    StripeDetector,
    TelegramBotTokenDetector,
    TwilioKeyDetector,
)
# Theirs name the secret, and a group is its value; of the others the groups say nothing.
_WITH_NAME = (CloudantDetector, IbmCloudIamDetector, IbmCosHmacDetector, SoftlayerDetector)
_GROUP = re.compile(r"(?<!\\)\((?!\?)")


def _is_any(value: str) -> bool:
    return bool(value)


@dataclass(frozen=True)
class SecretFormat:
    """A secret's shape; the group that matched, where there is one, is the value. `check` sees that value."""

    entity: str
    pattern: regex.Pattern[str]
    check: Callable[[str], bool] = has_digit
    score: float = 0.95

    @property
    def whole(self) -> bool:
        """Whether all of the match is masked, although one group of it is checked."""
        return self.entity == "CONNECTION_STRING"


_LEFT = r"(?<![A-Za-z0-9])"  # `key_AKIA…` and `_AKIA…_` begin at the A
_OWN: tuple[SecretFormat, ...] = (
    SecretFormat("API_KEY", late(_LEFT + r"sk-ant-[A-Za-z0-9_\-]{16,256}")),
    SecretFormat("API_KEY", late(_LEFT + r"sk-(?!ant-)[A-Za-z0-9_\-]{20,256}"), is_random),
    SecretFormat(
        "API_KEY",
        late(_LEFT + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _is_any,
    ),
    SecretFormat(
        "API_KEY",
        late(
            r"(?i:secret[_\- ]?(?:access[_\- ]?)?key)[\"'\\]{0,2}\s{0,4}(?:[:=]|=>)\s{0,4}[\"'\\]{0,2}"
            r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
        ),
        is_random,
    ),
    SecretFormat(
        "API_KEY",
        late(
            r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])[^\0]{1,100}?(?<![A-Za-z0-9/+])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
        ),
        lambda value: is_random(value) and value.lower() != value,
    ),
    SecretFormat("API_KEY", late(_LEFT + r"gh[pousr]_[A-Za-z0-9]{30,255}")),
    SecretFormat("API_KEY", late(_LEFT + r"github_pat_[A-Za-z0-9_]{22,255}")),
    SecretFormat("API_KEY", late(_LEFT + r"glpat-[A-Za-z0-9_\-]{20,64}")),
    SecretFormat("API_KEY", late(_LEFT + r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9\-]{10,256}")),
    SecretFormat("API_KEY", late(r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}")),
    SecretFormat("API_KEY", late(_LEFT + r"AIza[A-Za-z0-9_\-]{30,64}")),
    SecretFormat("API_KEY", late(_LEFT + r"(?:ya29\.|GOCSPX-)[A-Za-z0-9_\-]{20,512}")),
    SecretFormat("API_KEY", late(_LEFT + r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,256}")),
    SecretFormat("API_KEY", late(_LEFT + r"whsec_[A-Za-z0-9+/]{24,128}")),
    SecretFormat("API_KEY", late(_LEFT + r"hf_[A-Za-z0-9]{30,64}"), _is_any),
    SecretFormat(
        "API_KEY",
        late(
            _LEFT + r"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}(?![A-Za-z0-9_\-])"
        ),
        is_varied,
    ),
    SecretFormat(
        "API_KEY",
        late(_LEFT + r"(?:AKC[A-Za-z0-9]{10,128}|AP[0-9A-F][A-Za-z0-9]{24,128})(?![A-Za-z0-9])"),
        is_varied,
    ),
    SecretFormat("API_KEY", late(_LEFT + r"NRAK-[A-Z0-9]{27}(?![A-Za-z0-9])")),
    SecretFormat("API_KEY", late(_LEFT + r"sq0(?:csp|atp|idp)-[A-Za-z0-9_\-]{22,43}")),
    SecretFormat("API_KEY", late(_LEFT + r"npm_[A-Za-z0-9]{36}")),
    SecretFormat(
        "API_KEY", late(_LEFT + r"rg_[A-Za-z0-9]{4,32}_[A-Za-z0-9_\-]{16,128}")
    ),  # Regate's own keys
    SecretFormat("API_KEY", late(r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}={0,2})")),
    SecretFormat(
        "API_KEY",
        late(r"(?i:\bbearer)[ \t]{1,4}([A-Za-z0-9._~+/\-]{20,4096}={0,2})"),
        is_random,
        0.8,
    ),
    SecretFormat(
        "JWT",
        late(_LEFT + r"eyJ[A-Za-z0-9_\-]{8,4096}\.eyJ[A-Za-z0-9_\-]{8,16384}\.[A-Za-z0-9_\-]{0,2048}"),
        _is_any,
    ),
    SecretFormat(
        "CONNECTION_STRING",
        late(
            r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.\-]{1,30}://[^\s:@/'\"<>]{0,128}:([^\s/'\"<>]{1,256})@[^\s'\"<>`]{1,1024}"
        ),
        is_password_of_a_url,
    ),
    SecretFormat(
        "CONNECTION_STRING",
        late(
            r"(?i)\b(?:server|data source|host|user id|uid|username|user|database|initial catalog)"
            r"\s{0,2}=[^;\n\"'<>]{1,128};"
            r"[^\n\"'<>]{0,256}?(?:password|pwd)\s{0,2}=\s{0,2}(?:'([^'\n]{1,128})'|\"([^\"\n]{1,128})\""
            r"|\{([^}\n]{0,128}[^\w}\n][^}\n]{0,128})\}|([^;\s\"'<>]{1,128}))"
        ),
        is_password_of_a_url,
    ),
    SecretFormat(  # a key in the place of the user, as Sentry's DSN has it
        "CONNECTION_STRING",
        late(r"(?<![A-Za-z0-9])https?://([A-Za-z0-9_\-]{16,256})@[^\s'\"<>`]{1,1024}"),
        is_varied,
        0.85,
    ),
    SecretFormat(
        "CONNECTION_STRING",
        late(r"(?i)\bjdbc:oracle:(?:thin|oci8?):[^\s/@:'\"<>]{1,64}/([^\s@'\"<>]{1,128})@[^\s'\"<>`]{1,512}"),
        is_password_of_a_url,
    ),
    SecretFormat(
        "PASSWORD",
        late(r"(?i:\bbasic)[ \t]{1,4}([A-Za-z0-9+/]{8,512}={0,2})(?![A-Za-z0-9+/])"),
        is_basic,
        0.8,
    ),
)


def _borrowed() -> Iterator[SecretFormat]:
    for plugin in _PLUGINS:
        patterns: Iterable[re.Pattern[str]] = plugin.denylist  # type: ignore[assignment]  # typed as a property
        for pattern in patterns:
            source = pattern.pattern if plugin in _WITH_NAME else _GROUP.sub("(?:", pattern.pattern)
            # between letters or digits it is a piece of something longer
            source = rf"(?<![A-Za-z0-9])(?:{source})(?![A-Za-z0-9])"
            yield SecretFormat("API_KEY", late(source, pattern.flags & re.IGNORECASE), is_varied, 0.9)


FORMATS = (*_OWN, *_borrowed())
