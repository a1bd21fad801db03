"""What the complaints room starts with."""
