"""Secrets in command lines and in what network devices are told: by the program, and where it takes them."""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

from gateway.detect.entities.assignments import bare, quoted
from gateway.detect.entities.formats import SecretFormat
from gateway.detect.entities.values import is_password, is_strong
from gateway.detect.matching.patterns import late

_SCORE = 0.75
_ARGUMENTS = r"[^\n|;&]{0,200}?[ \t]"  # those before it, on the same line
_VALUE = f"(?:{quoted()}|{bare()})"
_WORD = r"[\"'\\]{0,2}((?:[^\s\"'\\|;&<>]|&(?=\w)){6,128}+)"
# The programs, and the options of each behind which a password stands; a blank or `=` parts them.
_OPTIONS = (
    (
        "(?:docker|podman|nerdctl|buildah|skopeo|crane|helm|oras|az|cf|oc|argocd|nomad|heroku|vercel|rancher)[^\n|;&]{0,60}?login",
        "-p",
    ),
    (
        "(?:mongo(?:sh|dump|restore|export|import)?|cqlsh|clickhouse-client|influx|arangosh|hg|smbmap|crackmapexec|sshpass)",
        "-p",
    ),
    ("redis-(?:cli|benchmark)", "-a"),
    ("(?:ldap(?:search|add|modify|delete|passwd|whoami)|bdb)", "-w"),
    ("(?:sqlcmd|bcp|isql|osql|mosquitto_(?:pub|sub)|ipmitool|zip|unzip|crowbar|tsm)", "-P"),
    ("(?:xfreerdp|rdesktop|wlfreerdp)", "(?:/p:|-p)"),
    ("openssl", "-k"),
    ("ssh-keygen", "-[NP]"),
    ("(?:useradd|usermod|psexec)", "-p"),
    ("snmp(?:walk|get|set|bulkwalk|getnext)", "-[AXc]"),
    ("(?:un)?rar", "-h?p"),
    ("(?:rabbitmqctl|vncpasswd|htpasswd|keytool|jarsigner|signtool)", "(?:-storepass|-keypass|/p|-p)"),
)
_PASSED = (
    # curl -u user:password, http -a user:password, smbclient -U user%password
    r"\bcurl\b"
    + _ARGUMENTS
    + r"(?:-[a-zA-Z]{0,8}u|--(?:proxy-)?user)[ \t=]{0,4}[\"'\\]{0,2}[^\s:\"'\\]{0,128}:(?!//)"
    + _WORD,
    r"\b(?:http|https|httpie|xh)\b"
    + _ARGUMENTS
    + r"(?:-a|--auth)[ \t=]{1,4}[\"'\\]{0,2}[^\s:\"'\\]{0,128}:(?!//)"
    + _WORD,
    r"\b(?:smbclient|rpcclient|mount\.cifs|net)\b"
    + _ARGUMENTS
    + r"(?:-U|--user)[ \t=]{1,4}[\"']?[^\s%\"']{1,128}%"
    + _WORD,
    # sqlplus user/password@host, exp, imp, rman target
    r"\b(?:sqlplus|sqlldr|expdp|impdp|exp|imp|rman|tnsping)\b[^\n|;&]{0,80}?[ \t\"']\w[\w$#.\-]{0,63}/[\"']?([^\s@/\"']{4,128}+)(?=[\"']?@|[ \t]\w+=)",
    r"\b(?:sftp|lftp|ftp|scp|rsync)\b" + _ARGUMENTS + r"[\w.\-]{1,64}:([^\s@:/\"']{6,128}+)@",
    r"\bnet use\b" + _ARGUMENTS + r"/user:\S{1,128}[ \t]{1,4}" + _WORD,
    r"\bdb\.auth\(\s{0,4}[\"'][^\"'\n]{1,128}[\"'],\s{0,4}" + f"(?:{quoted()})",
    r"\b(?:mysql|mariadb)[^\n|;&]{0,200}?[ \t]-p" + _WORD,
    # openssl -passin pass:…
    r"(?<![A-Za-z0-9])pass:" + _WORD,
    r"\b7z[ar]?\b" + _ARGUMENTS + r"-p" + _WORD,
    r"\bnet user [\w.\-\\]{1,64} " + _WORD,
    r"\bhtpasswd[ \t]{1,4}-\w*b\w*[ \t]{1,4}\S{1,200}[ \t]{1,4}\S{1,64}[ \t]{1,4}" + _WORD,
    r"\bmc alias set \S{1,64} \S{1,200} \S{1,128} " + _WORD,
    r"\bConvertTo-SecureString\b[^\n|;]{0,80}?(?:-String\s{1,4})?" + f"(?:{quoted()})",
    # what is piped into a program that reads a password
    r"\b(?:echo|printf)(?:[ \t]{1,4}(?:-\w{1,4}|[\"']?%s(?:\\n)?[\"']?))?[ \t]{1,4}"
    + _VALUE
    + r"(?:\\n)?[\"']?[ \t]{0,4}\|[^\n;&]{0,120}?(?:sudo[ \t]{1,4}-\w*S|--?password-stdin|--with-token|--passphrase-fd|--stdin)\b",
    r"\b(?:echo|printf)[ \t]{1,4}[\"']?[\w.\-]{1,64}:" + _WORD + r"[\"']?[ \t]{0,4}\|[^\n]{0,60}?chpasswd\b",
    r"(?:sudo[ \t]{1,4}-\w*S|\bpasswd|--?password-stdin|--with-token|--passphrase-fd|--stdin)\b[^\n|;&]{0,120}?<<<[ \t]{0,4}"
    + _VALUE,
    # .pgpass, and the QR code of a wireless network
    r"(?:\A|(?<=\n))(?:[\w.\-]{1,128}|\*):(?:\d{2,5}|\*):(?:[\w\-]{1,64}|\*):[\w\-]{1,64}:([^\s:]{6,128}+)(?=\s|\Z)",
    r"\bWIFI:[^\n]{0,96}?\bP:([^;\n]{6,63}+);",
)
# Cisco, Juniper and their like. `5` and `$1$` stand before a hash, `7` before what anyone can turn back.
_DEVICES = (
    r"\benable[ \t]{1,4}(?:secret|password)[ \t]{1,4}(?:level \d{1,2} )?(?:[0567][ \t]{1,4})?" + _WORD,
    r"\bsnmp-server[ \t]{1,4}(?:community|user[ \t]\S{1,64}[ \t]\S{1,64}[ \t]v3[ \t]auth[ \t]\w{2,8})[ \t]{1,4}"
    + _WORD,
    r"\b(?:tacacs|radius)(?:-server)?[^\n]{0,80}?[ \t]key[ \t]{1,4}(?:[0567][ \t]{1,4})?" + _WORD,
    r"\bcrypto isakmp key[ \t]{1,4}(?:[06][ \t]{1,4})?" + _WORD,
    r"\bplain-text-password-value[ \t]{1,4}[\"']?" + _WORD,
    r"\b(?:pre-shared-key(?: (?:local|remote|ascii-text))?|wpa-psk(?: ascii)?|ppp chap password|authentication-key|key-string|psk)[ \t]{1,4}(?:[0567][ \t]{1,4})?[\"']?"
    + _WORD,
)


def _command(source: str, check: object = is_password) -> SecretFormat:
    return SecretFormat("PASSWORD", late(source), check, _SCORE)  # type: ignore[arg-type]  # a check


COMMANDS: tuple[SecretFormat, ...] = (
    *(_command(rf"\b{program}\b{_ARGUMENTS}{option}[ \t=]{{0,4}}{_VALUE}") for program, option in _OPTIONS),
    *(_command(source) for source in _PASSED),
    *(_command(source, is_strong) for source in _DEVICES),
)  # fmt: skip
