"""The student's pages, from the printed code to the result. Owns attempt_*; reads link, campaign, paper, roster."""
