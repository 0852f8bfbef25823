"""HTTP furniture that knows no slice: who may enter, refusals, headers, hashed static files, filters, health."""
