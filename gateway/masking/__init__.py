"""What replaces a finding, how the value comes back to the caller, and where it never does."""

from gateway.masking.credential import credentials
from gateway.masking.json_pieces import JsonPieces, splice_pieces
from gateway.masking.json_strings import JsonDepths
from gateway.masking.json_text import splice_json, with_placeholders
from gateway.masking.operators import apply_mask, splice
from gateway.masking.restore import Restorer, RunRestorer, StreamRestorer
from gateway.masking.stream import Piece, StreamScanner, piece_of, split
from gateway.masking.vault import Vault, Where

__all__ = [
    "JsonDepths",
    "JsonPieces",
    "Piece",
    "Restorer",
    "RunRestorer",
    "StreamRestorer",
    "StreamScanner",
    "Vault",
    "Where",
    "apply_mask",
    "credentials",
    "piece_of",
    "splice",
    "splice_json",
    "splice_pieces",
    "split",
    "with_placeholders",
]
