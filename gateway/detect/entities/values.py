"""What the value of a secret looks like, and what only stands in its place: templates, code, talk."""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

import base64
import re

# `${DB_PASSWORD}`, `<password>`, `****`: a template, or what hides a value.
_TEMPLATE = re.compile(
    r"[$&*][A-Za-z_][\w.:/>#-]*|%\w+%|%[sd]|[@:?][A-Za-z_]\w*|[\[({<].*|[*xX.#_?•…-]+|&lt;.*|!{1,2}[A-Za-z][\w:.-]*",
    re.DOTALL,
)
_TEMPLATE_INSIDE = re.compile(
    r"\$\{|\$\(|\{\{|#\{|<%|%\(\w+\)|\{[A-Za-z_][\w.]*\}|<[a-z][\w -]*>|%[sd](?!\w)|=>"
)
# What reads a value from elsewhere, and what only a private key elsewhere can open.
_ELSEWHERE = re.compile(
    r"(?i:(?:process|import\.meta)\.env\b|os\.|env[.:[/]|secrets?[./:]|vault:|bao:|op://|arn:|file:|ssm:|kms:|enc:"
    r"|encrypted:|sops:|ref\+|keyring:|keyvault|secret-?manager|secretsmanager|infisical|doppler|credential-?store)"
    r"|@Microsoft\.KeyVault|projects/[^/\s]+/secrets/|\$ANSIBLE_VAULT|ENC[\[(]|AQICAH|gAAAAA|Ag[A-Za-z0-9+/]{100}"
    r"|[A-Za-z][A-Za-z0-9+.-]{1,20}://|(?![A-Za-z0-9+/]{40,}={1,2}\Z)(?:~|\.{1,2})?/[\w.-]+/|[A-Za-z]:\\|[\w.-]+(?:/[\w.-]+){2,}$"
)
# A crypt(3) hash, or one with its scheme: what was hashed cannot be had from it.
_HASH = re.compile(
    r"\$(?:[0-9][a-z]?|apr1|y|argon2\w*|pbkdf2[\w-]*|scrypt)\$|\{[A-Z0-9-]{2,12}\}|pbkdf2_|sha\d+[:$]"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:please[-_ ]?)?change[-_ ]?(?:me|it|this|that)?[-_!\d]*|(?:replace|insert|enter|fill|put|type|set|add)[-_ ](?:\w+[-_ ]?)+"
    r"|(?:your|my|our|the|some|any)[-_ ].*|your[A-Z].*|(?:.*[-_ ])?(?:placeholder|example|redacted|dummy|sample|todo|fixme|tbd|undefined"
    r"|null|here|goes)(?:[-_ \d].*)?|(?:password|passw0rd|passwort|secret|test|foo|bar|baz|foobar|my(?:token|password|secret|key|pass)|abc|xyz|dummy|value|token|key|string)"
    r"[-_]?\d{0,3}"
)
_MANUAL = re.compile(
    r"(?i)pass(?:word|wd|wort|phrase)?|pwd|pw|change[-_]?(?:me|it|this)|your[-_ ]?.*|x{3,}|placeholder|redacted"
)
# `config.password2`, `my_secret_2`, `DB_SECRET_01`, `form.cleaned_data`: a name where a value could stand.
_REFERENCE = re.compile(
    r"[A-Za-z_]\w*(?:(?:\.|->|::|\?\.)[A-Za-z_]\w*)+|[a-z]+(?:_[a-z]+)+_?\d{0,2}|[A-Z]+(?:_[A-Z]+)+_?\d{0,2}"
    r"|[a-zA-Z]\w*(?:Key|Password|Secret|Token|Pass)\d{0,4}|[A-Za-z.+_-]+@[A-Za-z.-]+|\d{1,4}(?:[.:]\d+)+[-+~.\w]*"
    r"|[A-Za-z_$][\w.:]*(?:\(.*\)|\[.*\])[;,]?"
    r"|(?:self|this|args|opts?|config|settings|request|params|ctx|cfg)\b.*"
)
# Words with digits that are names of techniques, types and standards: `base64-encoded`, `SHA-256`, `uint256`.
_TECHNICAL = re.compile(
    r"(?i)(?:(?:u?int|float|bytes?|char|varchar|string|str|base|sha-?[123]?|md|utf-?|aes-?|rsa-?|rc|x|ed|hmac-?(?:sha-?)?|argon|pbkdf|oauth|http|ipv?|k8s?"
    r"|s|ec|v|rfc-?|iso-?|cve-?|owasp-?|nist-?|tls-?v?|ssl-?v?|py|python|java|es|web|level-?|step-?|day-?|http-?|no-?|nr-?|part-?|type-?)"
    r"\d{1,5}(?:[.-]\d{1,4})*[a-z]?|utf8mb4|[12]fa|\d{1,4}-?(?:char|char(?:acter)?s?|bits?|bytes?|digits?|words?|letters?|days?|hours?"
    r"|min(?:ute)?s?|months?|years?|times?|factor|zeichen|stellig\w*)|k8s|i18n|l10n|a11y|e2e|b64|md5|\d{4}-\d\d-\d\dT?[\d:.Z+-]*|[a-z]+|\d+)"
)
_PIECES = re.compile(r"[-_./+:]")
# A sentence about a password, not one.
_TALK = re.compile(
    r"(?i)\b(?:characters?|chars|zeichen|caract|letters?|buchstaben|digits?|ziffern|chiffres|length|least|mindestens|must|minim|maxim|max\b|min\b"
    r"|required|requis|erforderlich|obligator|invalid|incorrect|wrong|falsch|expired|forgot|reset|your|ihr|dein|votre|enter|please|bitte|hours?"
    r"|minutes?|days?|passwor[dt]s?|passwörter|tokens?|kennwort|contraseñ|mot de passe|senha|hasł|wachtwoord|lösenord|пароль|used|using|when|should|failed)"
    r"|密码|密碼|字符|パスワード|文字|비밀번호"
)
_RUN = re.compile(r"(.)\1{11,}+")
_BASE64_END = re.compile(r"[A-Za-z0-9+/]{16,}={1,2}$")
_LEET = re.compile(r"[A-Za-z]\d+[A-Za-z]")
_SYMBOLS = frozenset("!#$%&+@^~")
_STRONG = _SYMBOLS | frozenset("?*")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=%:|\-]{16,4096}")


def has_digit(value: str) -> bool:
    """Return whether the value has a digit."""
    return any(char.isdigit() for char in value)


def is_random(value: str) -> bool:
    """Require letters and digits: `sk-fading-circle-container` is a CSS class, not a key."""
    return has_digit(value) and any(char.isalpha() for char in value)


def is_varied(value: str) -> bool:
    """Require letters, digits, and eight different characters."""
    return is_random(value) and len(set(value)) >= 8


def is_literal(value: str) -> bool:
    """Refuse a template (`${DB_PASSWORD}`, `<password>`, `****`): it is not the value itself."""
    return not re.fullmatch(r"\$.*|%.*%|\{.*\}|\[.*\]|<.*|\*+|x+|X+|\.+", value)


def is_password_of_a_url(value: str) -> bool:
    """Refuse a template, and the word that a manual has in the place of a password: `user:password@host`."""
    return is_literal(value) and not _MANUAL.fullmatch(value)


def is_basic(value: str) -> bool:
    """Accept a name and a password as HTTP has them (RFC 7617)."""
    try:
        credentials = base64.b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return False
    return re.fullmatch(rb"[^\x00-\x1f\x7f:]*:[^\x00-\x1f\x7f]+", credentials) is not None


def is_password(value: str) -> bool:
    """Accept a value that a person made up: nothing in its place, no name, no sentence, no plain word."""
    letters = any(char.isalpha() for char in value)
    symbols = letters and not _SYMBOLS.isdisjoint(value)
    return (
        letters
        and (symbols or has_digit(value))
        and len(set(value)) >= (5 if has_digit(value) else 6)
        and not _stands_in(value)
        and not (" " in value and _TALK.search(value))
    )


def is_strong(value: str) -> bool:
    """Accept a password that no word of a sentence looks like."""
    if " " in value or not is_random(value):
        return False
    mixed = value.lower() != value != value.upper()
    return is_password(value) and (mixed or bool(_LEET.search(value)) or not _STRONG.isdisjoint(value))


def is_token(value: str) -> bool:
    """Accept what a machine made: 16 characters or more, no words, no path, no version."""
    return (
        _TOKEN.fullmatch(value) is not None
        and is_varied(value)
        and not _stands_in(value)
        and not all(
            re.fullmatch(r"[A-Za-z]+\d{0,2}|\d{1,4}", piece) for piece in _PIECES.split(value) if piece
        )
    )


def is_code(value: str) -> bool:
    """Accept a code that is sent for one login: four to eight digits, in groups or not."""
    return len(set(value)) > 1 and 4 <= sum(char.isdigit() for char in value) <= 8


def _stands_in(value: str) -> bool:
    """Return whether something stands in the place of a value."""
    return bool(
        _TEMPLATE.fullmatch(value)
        or _TEMPLATE_INSIDE.search(value)
        or _ELSEWHERE.match(value)
        or _HASH.match(value)
        or _PLACEHOLDER.fullmatch(value)
        or _REFERENCE.fullmatch(value)
        or (value.endswith((":", "=")) and not _BASE64_END.search(value))
        or _is_technical(value)
    )


def _is_technical(value: str) -> bool:
    """Return whether the value is words and technical terms joined by hyphens, one of the terms with a digit.

    A word before a plain number (`Herbst-2026`) is a password that people make up.
    """
    if not re.fullmatch(r"[\w./+:-]+", value):
        return False
    if _TECHNICAL.fullmatch(value):
        return True
    pieces = [piece for piece in _PIECES.split(value) if piece]
    return all(map(_TECHNICAL.fullmatch, pieces)) and any(
        is_random(piece) or re.fullmatch(r"(?i)sha|aes|rsa|utf|md|rfc|iso|cve|hmac|tls|ssl|oauth", piece)
        for piece in pieces
    )


def is_filled(value: str) -> bool:
    """Return whether one character, again and again, is half of the value: `sk-ant-api03-xxxxxxxxxxxx` of a guide."""
    run = _RUN.search(value)
    return run is not None and 2 * len(run[0]) >= len(value)
