"""The audit: what is in the corpora, what is wrong with the recordings, and which labels are confounded."""

from msfl.audit.findings import Finding
from msfl.audit.recordings import measure, with_formats
from msfl.audit.result import Audit, audit

__all__ = ["Audit", "Finding", "audit", "measure", "with_formats"]
