"""Weekly reminders, and bulletins by week, month and year. Owns bulletin_*; reads rollup, link and below."""
