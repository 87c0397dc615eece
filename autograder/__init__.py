"""Scores a submission nobody trusts."""
