"""What instructors decide while a course runs: pauses, exams, and what learners report to them."""
