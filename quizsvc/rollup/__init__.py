"""Head counts of rounds by unit, computed on read. Owns no table; reads attempt, declaration, survey, roster."""
