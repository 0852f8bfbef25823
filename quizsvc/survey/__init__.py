"""Opinion surveys whose answers lead back to nobody. Owns survey_*; reads link, campaign, paper, roster."""
