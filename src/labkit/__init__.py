"""What a learner imports."""
