"""Secrets where people paste them: forms × names × values, and the same forms with what is no secret."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from bench.accuracy.secrets import Make, password

_WORDS = ("harbor", "winter", "Falcon", "maple", "Orchid", "river", "Copper", "tiger")


class Pasted(NamedTuple):
    """A text and the value in it, which must be found when it is a secret, and else must stay."""

    form: str
    text: str
    value: str


def _leet(source: random.Random) -> str:
    word = source.choice(_WORDS).replace("a", "4").replace("e", "3").replace("o", "0").replace("i", "1")
    return f"{word}-P4ss-{source.randrange(10, 99)}"


def _season(source: random.Random) -> str:
    word, sign, end = source.choice(_WORDS).title(), source.choice("#-!"), source.choice(["", "x", "q"])
    return f"{word}{sign}{source.randrange(2018, 2029)}{end}"


def _hex(source: random.Random) -> str:
    return "a7" + "".join(source.choice("0123456789abcdef") for _ in range(30))


def _opaque(source: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    return "k9Z" + "".join(source.choice(letters) for _ in range(37))


VALUES: dict[str, Make] = {"symbols": password, "leet": _leet, "season": _season, "hex": _hex}
TOKENS: dict[str, Make] = {"hex": _hex, "opaque": _opaque}
NAMES = (
    "DB_PASSWORD",
    "password",
    "spring.datasource.password",
    "smtpPassword",
    "ansible_ssh_pass",
    "client_secret",
)
# Each with the name and the value of a setting.
SETTINGS = {
    "env": "{name}={value}",
    "export": "export {name}={value}",
    "quoted env": "{name}='{value}'",
    "ini": "[main]\n{name} = {value}\n",
    "yaml": "db:\n  {name}: {value}\n",
    "yaml quoted": '{name}: "{value}"',
    "yaml block": "{name}: |-\n    {value}\n",
    "yaml pair": "- name: {name}\n  value: {value}\n",
    "json": '{{"{name}": "{value}"}}',
    "json pair": '{{"name":"{name}","value":"{value}"}}',
    "json in json": '{{"body": "{{\\"{name}\\": \\"{value}\\"}}"}}',
    "terraform": '{name} = "{value}"',
    "walrus": '{name} := "{value}"',
    "backticks": "`{name}`: `{value}`",
    "backticks around both": "set `{name}={value}` first",
    "markdown": "- **{name}:** {value}",
    "arrow": "'{name}' => '{value}',",
    "subscript": "config['{name}'] = '{value}'",
    "typed": 'let {name}: String = "{value}";',
    "xml element": "<{name}>{value}</{name}>",
    "xml attributes": '<add key="{name}" value="{value}"/>',
    "property list": "<key>{name}</key>\n<string>{value}</string>",
    "option": "tool --{name} {value} run",
    "option with sign": "tool --{name}={value}",
    "option in quotes": "tool --{name} '{value}'",
    "literal": "kubectl create secret generic s --from-literal={name}={value}",
    "powershell": "$env:{name} = '{value}'",
    "csv": "user,{name},team\njane,{value},ops\n",
    "semicolons": "user;{name}\njane;{value}\n",
    "tsv": "user\t{name}\njane\t{value}\n",
    "markdown table": "| user | {name} |\n|---|---|\n| jane | {value} |\n",
    "psql": " user | {name} \n------+------\n jane | {value}\n",
    "insert": "INSERT INTO t (id, {name}) VALUES (1, '{value}'), (2, NULL);",
    "copy": "COPY t (id, {name}) FROM stdin;\n1\t{value}\n",
    "aligned": '{name}                        = "{value}"',
    "terraform variable": 'variable "{name}" {{\n  default = "{value}"\n}}',
    "cloudformation": "ParameterKey={name},ParameterValue={value}",
    "html": "<table><tr><th>user</th><th>{name}</th></tr><tr><td>jane</td><td>{value}</td></tr></table>",
}
# Each with a value only.
PASSWORDS = {
    "curl": "curl -u admin:{value} https://x.example",
    "curl long": "curl --user 'admin:{value}' https://x.example",
    "docker": "docker login -u ci -p {value} r.example",
    "docker piped": "echo {value} | docker login -u ci --password-stdin r.example",
    "sudo": "echo '{value}' | sudo -S apt update",
    "redis": "redis-cli -h c -a {value} ping",
    "redis config": "requirepass {value}",
    "mongo": "mongosh -u root -p {value} --host h",
    "mysql": "mysql -u root -p{value} db",
    "sqlplus": "sqlplus scott/{value}@orcl",
    "openssl": "openssl rsa -passin pass:{value} -in k.pem",
    "ldap": "ldapsearch -D cn=admin -w {value} -b dc=x",
    "sqlcmd": "sqlcmd -S db -U sa -P {value}",
    "sshpass": "sshpass -p {value} ssh db",
    "curl cluster": "curl -su 'admin:{value}' https://x.example",
    "openssl key": "openssl enc -aes-256-cbc -k {value} -in a",
    "ssh-keygen": "ssh-keygen -t rsa -N {value} -f k",
    "useradd": "useradd -m -p {value} ana",
    "passwd": "passwd ana <<< {value}",
    "printf": "printf '%s' '{value}' | docker login --password-stdin r.example",
    "net use drive": "net use Z: /user:ana {value}",
    "isakmp": "crypto isakmp key {value} address 0.0.0.0",
    "wpa": 'network={{\n ssid="x"\n psk="{value}"\n}}',
    "pre-shared": "pre-shared key: {value}",
    "bind": "bindpw {value}",
    "mysql set": "SET PASSWORD FOR 'app'@'%' = PASSWORD('{value}');",
    "basic auth": "requests.get(u, auth=('ana', '{value}'))",
    "connection": 'DriverManager.getConnection(url, "ana", "{value}")',
    "mongo auth": 'db.auth("app", "{value}")',
    "pass": "host: db\npass: {value}",
    "pass column": "| host | user | pass |\n|---|---|---|\n| db1 | ana | {value} |",
    "fr login": "identifiants : ana / {value}",
    "wi-fi key": "the Wi-Fi key is {value}",
    "wget": "wget --user=a --password={value} f",
    "net use": "net user jane {value} /add",
    "netrc": "machine git.example.com login deploy password {value}",
    "pgpass": "db.example.com:5432:shop:app:{value}",
    "wifi": "WIFI:T:WPA;S:guest;P:{value};;",
    "postgres": "ALTER USER postgres WITH PASSWORD '{value}';",
    "mysql user": "CREATE USER 'a'@'%' IDENTIFIED BY '{value}';",
    "sql server": "CREATE LOGIN a WITH PASSWORD = N'{value}';",
    "cisco": "enable secret {value}",
    "snmp": "snmp-server community {value} RO",
    "securestring": 'ConvertTo-SecureString -String "{value}" -AsPlainText -Force',
    "setter": 'client.setPassword("{value}")',
    "argv": '["mysql", "--password", "{value}"]',
    "login": "login: jane / {value}",
    "credentials": "credentials: jane:{value}",
    "en": "the password for staging is {value}",
    "en dash": "Wi-Fi password – {value}",
    "en full stop": "My password: {value}. Please change it.",
    "de": "Das WLAN-Passwort lautet {value}",
    "fr": "Le mot de passe est {value}",
    "es": "contraseña: {value}",
    "pt": "A senha é {value}",
    "it": "La parola d'ordine: {value}",
    "nl": "wachtwoord: {value}",
    "sv": "lösenord: {value}",
    "pl": "hasło: {value}",
    "ru": "пароль: {value}",
    "zh": "密码：{value}",
    "zh sentence": "密码是{value}，谢谢",
    "ja": "パスワードは「{value}」です",
    "ko": "비밀번호: {value}",
}
MACHINE_MADE = {
    "kubeconfig": "users:\n- user:\n    token: {value}\n",
    "token env": "CI_JOB_TOKEN={value}",
    "aws session": "aws_session_token = {value}",
    "authorization token": "Authorization: Token {value}",
    "authorization apikey": "authorization: ApiKey {value}",
    "authorization json": '{{"Authorization": "Token {value}"}}',
    "header": "-H 'X-Api-Key: {value}'",
    "cookie": "Cookie: theme=dark; sessionid={value}; csrftoken=x",
    "set-cookie": "Set-Cookie: JSESSIONID={value}; Path=/; HttpOnly",
    "query": "GET /reset?email=a&token={value} HTTP/1.1",
    "signature": "https://a.blob.example/c?sv=2024-01-01&sig={value}",
    "npmrc": "//registry.example/:_authToken={value}",
    "token column": "name,api_token\njane,{value}\n",
    "api key is": "the api key is {value}",
    "curl cookie": "curl -b 'theme=dark; session={value}' x.example",
    "dsn": "SENTRY_DSN=https://{value}@o1.ingest.example/42",
}
NO_SECRETS = (
    "changeme", "change-me", "CHANGE_ME", "${DB_PASSWORD_1}", "$DB_PASSWORD_1", "%DB_PASSWORD1%",
    "<password1>", "<your-password-1>", "{{ db_password_1 }}", "****", "********", "xxxxxxxx",
    "your-password-1", "YOUR_API_KEY_1", "REPLACE_ME_1", "process.env.DB_PASSWORD1",
    "os.environ['DB_PASSWORD_1']", "System.getenv(DB_1)", "settings.db.password1", "config.password2",
    "get_password_v2(user1)", "vault:secret/data/db1#password", "op://prod/db1/password",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db1",
    "arn:aws:ssm:eu-west-1:123456789012:parameter/db1", "projects/p1/secrets/db1/versions/2",
    "file:/run/secrets/db1", "/run/secrets/db_1", "env:DB_PASSWORD_1",
    "ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]", "!vault",
    "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq" * 8, "required", "string", "true", "null", "SHA-256",
    "base64-encoded", "12-characters", "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
)  # fmt: skip


def pasted(seed: int = 7) -> Iterator[Pasted]:
    """Yield every form with every name and kind of value. The same seed gives the same table."""
    source = random.Random(seed)
    for form, frame in SETTINGS.items():
        for name in NAMES:
            for make in VALUES.values():
                yield _made(form, frame, make(source), name)
    for form, frame in PASSWORDS.items():
        for make in VALUES.values():
            yield _made(form, frame, make(source))
    for form, frame in MACHINE_MADE.items():
        for make in TOKENS.values():
            yield _made(form, frame, make(source))


def in_place_of_secrets() -> Iterator[Pasted]:
    """Yield every form of a setting or a sentence with what stands in the place of a secret."""
    for value in NO_SECRETS:
        for form, frame in SETTINGS.items():
            for name in NAMES:
                yield _made(form, frame, value, name)
        for form, frame in PASSWORDS.items():
            yield _made(form, frame, value)


def _made(form: str, frame: str, value: str, name: str = "") -> Pasted:
    return Pasted(form, frame.format(name=name, value=value), value)


def found_in_full(pasted_one: Pasted, spans: list[tuple[int, int]]) -> bool:
    """Return whether one of the spans covers the value."""
    at = pasted_one.text.index(pasted_one.value)
    return any(start <= at and at + len(pasted_one.value) <= end for start, end in spans)
