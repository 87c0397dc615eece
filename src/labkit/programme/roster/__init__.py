"""The roster: one file that says who takes part in what; a plan of what it would change, and the change."""
