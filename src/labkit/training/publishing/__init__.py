"""A learner's model becomes a repository that others may use: looked at, licensed, consented to, then sent."""
