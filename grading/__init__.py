"""Grading: what kind of study an article is, what level of evidence it gives, and why.

Pure functions: the same article gives the same grade, with no network, clock, database or
configuration.
"""

from grading.article import Article
from grading.grader import GRADER_VERSION, grade, grade_many
from grading.grades import Grade

__all__ = ["GRADER_VERSION", "Article", "Grade", "grade", "grade_many"]
