"""Study details: what the abstract says of how the study was done."""

from grading.details.reading import read_details

__all__ = ["read_details"]
