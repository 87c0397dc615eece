"""Courses as text: loaded, refused by file and line, built into notebooks."""

from labkit.courses.attempt import Attempt, Bound, load_attempt, load_attempts
from labkit.courses.build import build, notebook
from labkit.courses.course import AllowanceRule, Course, Lab, Limits, ModelLimits
from labkit.courses.load import load_course, load_courses
from labkit.courses.text import Cell, LabText, load_text

__all__ = [
    "AllowanceRule",
    "Attempt",
    "Bound",
    "Cell",
    "Course",
    "Lab",
    "LabText",
    "Limits",
    "ModelLimits",
    "build",
    "load_attempt",
    "load_attempts",
    "load_course",
    "load_courses",
    "load_text",
    "notebook",
]
