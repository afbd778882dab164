"""Gait parameters and a score in, a three-part rationale out; and any rationale checked against the walk's numbers."""
from agir_plugin.rationale.findings import Finding, findings_of
from agir_plugin.rationale.leakage import forbidden
from agir_plugin.rationale.parse import Claim, claims, claims_in
from agir_plugin.rationale.rules import write
from agir_plugin.rationale.verify import agreement, check

__all__ = ["Claim", "Finding", "agreement", "check", "claims", "claims_in", "findings_of", "forbidden", "write"]
