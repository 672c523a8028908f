"""Evidence: exchanges as lines of a hash-chained journal, sealed to Parquet, signed, and read with SQL."""

from gateway.audit.files.record import Record
from gateway.audit.journal.journal import Journal, new_writer
from gateway.audit.sealing.seal import Sealer

__all__ = ["Journal", "Record", "Sealer", "new_writer"]
