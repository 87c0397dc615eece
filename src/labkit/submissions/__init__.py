"""A learner's work, kept whole before it is acknowledged, with a signed receipt."""
