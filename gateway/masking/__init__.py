"""What replaces a finding, how the value comes back to the caller, and where it never does."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.masking.credential import credentials
    from gateway.masking.destinations import place_steps
    from gateway.masking.json_pieces import JsonPieces, splice_pieces
    from gateway.masking.json_strings import JsonDepths
    from gateway.masking.json_text import splice_json, with_placeholders
    from gateway.masking.operators import apply_mask, splice
    from gateway.masking.restore import Restorer
    from gateway.masking.runs import RunRestorer, StreamRestorer
    from gateway.masking.stream import Piece, StreamScanner, piece_of, split
    from gateway.masking.vault import Vault, Where
else:
    __getattr__ = on_demand(__name__)

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
    "place_steps",
    "splice",
    "splice_json",
    "splice_pieces",
    "split",
    "with_placeholders",
]
