"""The verifiable draw. Owns the frozen list, the one result, the published files and the winners."""
