"""Banks of questions. Owns bank_*; reads nobody; takes files whole or not at all; papers draw what is published."""
