"""What a head declares once: receipts, pledges, adoption. Owns declaration_*; reads link, campaign, paper, roster."""
