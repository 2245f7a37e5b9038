"""What a score is worth: intervals, baselines, counted trials, and a verdict in words."""
