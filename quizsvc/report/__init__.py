"""What teachers and organizers look at: class board, scores, items, coverage; owns no table."""
