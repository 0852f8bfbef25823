"""Papers: rules and pool frozen under a content hash. Owns paper_*; reads bank; refuses what cannot be filled."""
