"""The student's pages: landing, seat, questions, submission, result. Owns attempt_*; reads link, campaign, paper, roster."""
