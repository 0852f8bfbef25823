"""Links: printed doors of units into rounds, with QR and poster. Owns link_*; reads campaign and roster."""
