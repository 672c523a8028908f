"""Reading the evidence: SQL views, the sandbox for queries, and what was recorded."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.reading.described import VIEWS
    from gateway.audit.reading.inputs import (
        count_decisions,
        decision_lines,
        dropped,
        find_decision,
    )
    from gateway.audit.reading.live_and_sealed import (
        verbatim_lines,
    )
    from gateway.audit.reading.ocsf import SELECT as OCSF_SELECT
    from gateway.audit.reading.ocsf import event as ocsf_event
    from gateway.audit.reading.recorded import (
        RecordedDecision,
        rebuild,
    )
    from gateway.audit.reading.schema import (
        meaning,
        reference,
    )
    from gateway.audit.reading.sql import (
        QueryFailed,
        QueryLimits,
        QueryRefused,
        Result,
        query,
        query_to_parquet,
    )
    from gateway.audit.reading.tail import (
        Tail,
    )
    from gateway.audit.reading.view_sql import WARNINGS
    from gateway.audit.reading.views import (
        publish,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "OCSF_SELECT",
    "VIEWS",
    "WARNINGS",
    "QueryFailed",
    "QueryLimits",
    "QueryRefused",
    "RecordedDecision",
    "Result",
    "Tail",
    "count_decisions",
    "decision_lines",
    "dropped",
    "find_decision",
    "meaning",
    "ocsf_event",
    "publish",
    "query",
    "query_to_parquet",
    "rebuild",
    "reference",
    "verbatim_lines",
]
