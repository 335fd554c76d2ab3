"""What a fitted stack looks like."""

from .leaderboard import leaderboard

__all__ = ["leaderboard"]
