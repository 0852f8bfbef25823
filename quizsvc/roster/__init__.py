"""Units, enrolments, head-counts, exemptions. Owns roster_*, the only home of pupils' names; reads nobody."""
