"""Pages of the complaints room."""
