"""The rules of a contest. Owns drafts and announced versions; nobody plays before there is one."""
