"""The files of the audit folder: records, signed logs, hashes, locks."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.files.folder import (
        Folder,
    )
    from gateway.audit.files.heads import (
        stamp,
    )
    from gateway.audit.files.locks import (
        are_shared,
    )
    from gateway.audit.files.notes import (
        log_key,
    )
    from gateway.audit.files.record import (
        COLUMNS,
        FINDING_FIELDS,
        NAMES,
        Record,
    )
    from gateway.audit.files.rotation import (
        open_signer,
        rotate,
    )
    from gateway.audit.files.signing import (
        load_verifier,
    )
    from gateway.audit.files.tiles import (
        write_tiles,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "COLUMNS",
    "FINDING_FIELDS",
    "NAMES",
    "Folder",
    "Record",
    "are_shared",
    "load_verifier",
    "log_key",
    "open_signer",
    "rotate",
    "stamp",
    "write_tiles",
]
