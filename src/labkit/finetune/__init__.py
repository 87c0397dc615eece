"""What a learner's notebook has of a training: her rows, looked at before they are sent."""
