"""The words that say that a secret follows: names of fields, and what people write in twenty languages."""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

# The end of the name of an option, a field, a tag or a column, in any case.
_NAMES = (
    r"passwor[dt]|passwd|passphrase|passcode|pgpass|requirepass|masterauth|sshpass|kennwort|wachtwoord|contrase[ñn]a"
    r"|(?<![A-Za-z])(?:pwd|psw|psk|senha|haslo)|pre[_\-]?shared[_\-. ]?(?:key|secret)|(?<![A-Za-z])(?:bind|root)pw|(?<=olcRoot)PW|(?-i:(?<=[a-z0-9])(?:Pwd|Pass|PWD))|(?<=[A-Za-z0-9]_)(?:pass|pw)|(?<=-)pass|(?<=[A-Za-z]\.)pass"
)
_KEY = (
    r"(?<![A-Za-z:/])(?:secret(?:[_\-. ]?(?:access)?[_\-. ]?key)?|api[_\-. ]?(?:key|secret)|access[_\-. ]?token|auth[_\-. ]?token"
    r"|client[_\-. ]?secret|app[_\-. ]?secret|shared[_\-. ]?secret|(?:private|encryption|signing|master|account|subscription|auth)[_\-. ]?key)"
    r"|(?-i:(?<=[a-z0-9])(?:Secret(?:Key)?|ApiKey|APIKey|AccessToken|AuthToken|PrivateKey|EncryptionKey|SigningKey|MasterKey))|apikey"
)
# Those of pages, of parsers and of tokenizers are no credentials.
_NO_CREDENTIAL = (
    "page", "next", "continuation", "sync", "cursor", "resume", "cancellation", "cancel", "change", "delta", "skip",
    "pad", "eos", "bos", "unk", "mask", "cls", "sep", "special", "stop", "end", "start", "prev", "paging",
)  # fmt: skip
_NOT_BEHIND = "".join(rf"(?<!{word}{sign})" for word in _NO_CREDENTIAL for sign in ("", "_", "-"))
_SUFFIX = r"(?:[_\-.]?(?:\d{1,2}|old|new|prod|dev|test|staging|live|confirm(?:ation)?|repeat|again|plain(?:text)?))?"

# What a password follows, and what a key or a token does, whose value looks less like a word.
NAME = rf"(?:(?:{_NAMES}|{_KEY}){_SUFFIX})"
TOKEN = rf"(?:{_NOT_BEHIND}(?:tokens?|jwt)|(?<![A-Za-z])(?:bearer|x[_\-]api[_\-]key)|authorization)"
SESSION = r"(?:(?<![A-Za-z])(?:[\w.\-]{0,32}?(?:sess(?:ion)?(?:[_\-.]?id)?|sid|auth|token|jwt|sso|remember(?:_me)?|login|csrf|xsrf|credentials?)))"
# In sentences, notes and mails. A compound ends in its word: `WLAN-Passwort`.
WORDS = (
    r"(?:passwor[dt]|passwd|passphrase|passcode|\b(?:pwd|pw)|\bpass[ -]code|kennwort|zugangscode|geheimzahl"
    r"|mot de passe|\bmdp\b|code d.acc[eè]s|contrase[ñn]a|\bclave(?: de acceso)?|\bsenha|palavra[- ]passe"
    r"|parola (?:d.ordine|chiave)|(?:wi-?fi|wlan|wpa[23]?)[ -]?(?:key|pass|schl[üu]ssel)|cl[ée] wi-?fi|wachtwoord|l[öo]senord|passord|adgangskode|kodeord|salasana|has[łl][oa]\b"
    r"|\bheslo|jelsz[óo]|parol[aă]\b|[şs]ifre(?:si)?\b|m[ậa]t kh[ẩa]u|kata sandi)"
)
OTHER_WORDS = (
    r"(?:парол[ьяю]|κωδικός|密[码碼]|口令|密[钥鑰]|パスワード|合言葉|비밀번호|패스워드|암호|รหัสผ่าน"
    r"|كلمة (?:المرور|السر)|סיסמה|पासवर्ड)"
)
# Codes that are sent for one login.
CODE = (
    r"\byour (?:\w{1,16} )?code|(?:one[- ]time|verification|security|log[- ]?in|sign[- ]?in|confirmation|access|authentication|auth|2fa|mfa"
    r"|otp|sms|passcode|reset)(?: (?:pass)?code| pin| password|code)|\b(?:t?otp|tan)\b|einmal-?(?:code|passwort)"
    r"|(?:best[äa]tigungs|sicherheits|verifizierungs)code|code de (?:v[ée]rification|s[ée]curit[ée]|confirmation)"
    r"|c[óo]digo de (?:verificaci[óo]n|seguridad|verifica[çc][ãa]o|seguran[çc]a)"
    r"|codice di (?:verifica|conferma|sicurezza)|verificatiecode|beveiligingscode|eng[åa]ngskod"
    r"|kod (?:weryfikacyjny|jednorazowy)"
)
OTHER_CODE = (
    r"(?:код (?:подтверждения|доступа)|(?:验证|驗證|校验|動態)[码碼]|認証(?:コード|番号)|確認コード|暗証番号"
    r"|인증\s?(?:번호|코드))"
)
