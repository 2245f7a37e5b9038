"""The API: every read of the selectors as JSON under ``/api/v1``, with problems, ETags, keys and metrics."""
