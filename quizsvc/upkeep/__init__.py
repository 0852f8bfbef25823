"""What keeps a running service sound: checks, backups, erasure, keys. Owns no table; sits above the slices."""
