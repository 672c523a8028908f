"""Secrets of every format, passwords where something names them, and the code around them left alone."""

import random

import pytest

from bench.accuracy.secrets import API_KEYS, NAMED_KEYS
from gateway.config import Detect
from gateway.detect import Detector


def found(inspector: Detector, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)]


@pytest.mark.parametrize("name", API_KEYS)
@pytest.mark.parametrize("frame", ["the key is {} here", "TOKEN={}\n", '{{"key": "{}"}}', "{}", "`{}`."])
def test_a_key_of_a_known_format_is_found_whole(inspector: Detector, name: str, frame: str) -> None:
    source = random.Random(name + frame)
    for _ in range(3):
        key = API_KEYS[name](source)
        text = frame.format(key)
        at = text.index(key)
        assert any(
            span.category == "secret" and span.start <= at and at + len(key) <= span.end
            for span in inspector.inspect(text)
        ), text


@pytest.mark.parametrize("name", NAMED_KEYS)
def test_a_key_that_only_its_name_gives_away_is_found(inspector: Detector, name: str) -> None:
    frame, make = NAMED_KEYS[name]
    key = make(random.Random(name))
    assert any(key in value for _, value in found(inspector, frame.format(key)))


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("password = 'correct Horse (battery) 7'", "correct Horse (battery) 7"),
        ('DB_PASSWORD="Tr0ub4dor&3"', "Tr0ub4dor&3"),
        ("PGPASSWORD=hunter2hunter", "hunter2hunter"),
        ("mysqldump -u root -phunter2x9 db", "hunter2x9"),
        ("mysql -h db -p'hunter2x9'", "hunter2x9"),
        ("sshpass -p hunter2x9 ssh db", "hunter2x9"),
        ("q=1&password=hunter2hunter&beta=true", "hunter2hunter"),
        ("pwd: Sommer2024!", "Sommer2024!"),
        ('{"api_key": "9f8e7d6c5b4a"}', "9f8e7d6c5b4a"),
        ("client_secret => 'abcDEF123456'", "abcDEF123456"),
        ("the password for staging is Blue!Falcon", "Blue!Falcon"),
        ("Das Passwort lautet Winter2024", "Winter2024"),
        ("my password: Winter2024", "Winter2024"),
        ("PASSWORD: password: tr0ub4dor&3x", "tr0ub4dor&3x"),
        ('"PASSWORD": "password: tr0ub4dor&3x', "tr0ub4dor&3x"),  # cut off
        ("DB_PASS=Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("SECRET_KEY='django-insecure-9f8e7d6c'", "django-insecure-9f8e7d6c"),
        ("<password>Tr0ub4dor&amp;3</password>", "Tr0ub4dor&amp;3"),
        ("Authorization: Basic YWRtaW46VHIwdWI0ZG9yM3g=", "YWRtaW46VHIwdWI0ZG9yM3g="),
    ],
)
def test_a_password_that_is_named_is_found_exactly(inspector: Detector, text: str, password: str) -> None:
    assert found(inspector, text) == [("PASSWORD", password)]


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["DB_PASSWORD_1"]',
        "password = get_password_v2(user1)",
        "password=config.auth.password2",
        "api_key=settings.api_key_v1,",
        "secret = my_secret_2",
        "secret: DB_SECRET_01",
        'password = f"{prefix1}{suffix2}"',
        "password: ${DB_PASSWORD_1}",
        "mysql -P3306 -p db1 | cut -d1 -port2 and sshpass -p $SSH_PASS1",
        "jdbc:oracle:thin:scott/${PASSWORD1}@db1.host",
        "password: <your-password-1>",
        "password: ********",
        "password = input('password: ')",
        "def check(password: Optional[str] = None, retries: int = 12345678): ...",
        '"password": {"type": "string", "minLength": 8}',
        '"password": "a plain description of it"',
        "the password is required",
        "the password is not stored; is it?",
        "token_type: bearer_token_v1",
        "Basic knowledge, basic understanding2 and BASIC YWRtaW4tb25seS1ub3RoaW5n",
        "PASS: tests/unit/test_x2.py",
        "Authorization: Bearer $TOKEN_1",
        "AccountKey=<key>; SharedAccessKey=...",
        "postgres://${USER}:${PASSWORD}@${HOST1}/db",
        "SK-II and AC/DC, SG.x.y, AKC registered dogs, APCaching and APIGateway",
        "sk-learn-contrib-estimators-and-more, glsa, shpat_, dop_v1_",
        "550e8400-e29b-41d4-3991-568744046872",
        "[0.770948, -154.601180] and [12345.678901] and (48.208174, 16.373819)",
        "10:12:30.345323-03:00 and 2147483647 of 4294967296 in 0123456789",
    ],
)
def test_code_and_talk_about_secrets_are_left_alone(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize("server", ["db.host:1521:orcl", "//db.acme.org/orcl"])
def test_a_password_behind_a_slash_in_a_jdbc_url_is_found_with_it(inspector: Detector, server: str) -> None:
    url = f"jdbc:oracle:thin:scott/t1ger99@{server}"
    assert found(inspector, f'url="{url}"') == [("CONNECTION_STRING", url)]


@pytest.mark.parametrize("key", ["password", "dbPassword", "client_secret", "API-KEY", "smtp_pass"])
def test_a_value_under_a_key_that_says_so_is_a_password_as_a_whole(inspector: Detector, key: str) -> None:
    (span,) = inspector.inspect("Tr0ub4dor &3", key=key)
    assert (span.entity, span.start, span.end) == ("PASSWORD", 0, 12)
    assert not inspector.inspect("${DB_PASSWORD}", key=key)
    assert not inspector.inspect("required", key=key)
    assert not inspector.inspect("Tr0ub4dor &3", key=f"{key}_hint")


def test_a_stream_waits_for_the_end_of_a_quoted_password(inspector: Detector) -> None:
    assert inspector.open_at("use password = 'correct Horse ") == 4
    assert inspector.open_at("use password = 'correct Horse' ") > 4


@pytest.mark.parametrize(
    "text",
    [
        "ANTHROPIC_API_KEY=sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx",
        "aws_access_key_id = AKIAXXXXXXXXXXXXXXXX",
        "HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "key: sk-proj-000000000000000000000000000000000000000000",
    ],
)
def test_a_key_that_is_filled_with_one_character_is_an_example(text: str) -> None:
    assert Detector(Detect()).inspect(text) == ()
