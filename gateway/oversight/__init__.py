"""What people may see and do: the functions that the admin API and the console are two faces of."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.oversight.acts import Act, Actor, Acts, local_user, settings_in_force
    from gateway.oversight.bodies import BodyTooLarge, BodyTooLate, read_body
    from gateway.oversight.evidence import Busy, Evidence, NotInEvidence, Rows
    from gateway.oversight.keyring import Keyring, MadeKey, NewKey, UnknownKey, key_document
    from gateway.oversight.oversight import Oversight
    from gateway.oversight.pinned import NamedTool, PinnedTools, UnknownTool
    from gateway.oversight.rights import Forbidden, Right, require, rights_of
    from gateway.oversight.subject import DataSubject, Mention
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Act",
    "Actor",
    "Acts",
    "BodyTooLarge",
    "BodyTooLate",
    "Busy",
    "DataSubject",
    "Evidence",
    "Forbidden",
    "Keyring",
    "MadeKey",
    "Mention",
    "NamedTool",
    "NewKey",
    "NotInEvidence",
    "Oversight",
    "PinnedTools",
    "Right",
    "Rows",
    "UnknownKey",
    "UnknownTool",
    "key_document",
    "local_user",
    "read_body",
    "require",
    "rights_of",
    "settings_in_force",
]
