"""Study details: what the abstract says of how the study was done."""

from grading.details.reading import read_details, read_details_many
from grading.details.scope import own_details, unfit_details
from grading.details.values import Details

__all__ = ["Details", "own_details", "read_details", "read_details_many", "unfit_details"]
