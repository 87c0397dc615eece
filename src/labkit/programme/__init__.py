"""Who takes part: people, cohorts, enrolments, and how each of them is recognised."""
