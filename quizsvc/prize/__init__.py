"""Who gets which prize, and the console of a contest. Owns awards, claims, hand-overs, certificates."""
