"""Standing, boards and the fairness desk of a contest. Owns scores, boards, flags, rulings, appeals."""
