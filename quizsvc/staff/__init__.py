"""Staff accounts and role grants. Owns staff_*; reads roster."""
