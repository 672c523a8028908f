"""Policy as files: modules, settings and the revision that names them."""

from gateway.policy.source.annotations import Block, metadata
from gateway.policy.source.revision import revision_of
from gateway.policy.source.settings import SETTINGS, declared, library_schema
from gateway.policy.source.source import examine

__all__ = ["SETTINGS", "Block", "declared", "examine", "library_schema", "metadata", "revision_of"]
