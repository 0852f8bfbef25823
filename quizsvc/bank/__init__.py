"""Banks of questions. Owns bank_*; reads nobody; refuses files with faults whole, never half of them."""
