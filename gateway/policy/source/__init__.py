"""Policy as files: modules, settings and the revision that names them."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.policy.source.annotations import Block, metadata
    from gateway.policy.source.formats import FORMATS, expected
    from gateway.policy.source.hints import closest, hint
    from gateway.policy.source.names import Names, built_in, misnamed, place_in, unknown_names
    from gateway.policy.source.revision import revision_of
    from gateway.policy.source.settings import SETTINGS, declared, line_in
    from gateway.policy.source.source import examine, is_library
    from gateway.policy.source.table_names import missing_tables
    from gateway.policy.source.tables import NO_TABLES, Tables, read_tables
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "FORMATS", "NO_TABLES", "SETTINGS", "Block", "Names", "Tables", "built_in", "closest", "declared",
    "examine", "expected", "hint", "is_library", "line_in", "metadata", "misnamed", "missing_tables",
    "place_in", "read_tables", "revision_of", "unknown_names",
]  # fmt: skip
