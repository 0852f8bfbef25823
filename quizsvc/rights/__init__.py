"""What a participant may ask about their own data. Owns the requests: see, correct, delete."""
