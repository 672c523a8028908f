"""Evidence: exchanges as lines of a hash-chained journal, sealed to Parquet, signed, and read with SQL."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.files.record import Record
    from gateway.audit.journal.journal import Journal, new_writer
    from gateway.audit.sealing.seal import Sealer
else:
    __getattr__ = on_demand(__name__)

__all__ = ["Journal", "Record", "Sealer", "new_writer"]
