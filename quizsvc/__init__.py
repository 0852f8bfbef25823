"""quizsvc: anti-fraud awareness tests for schools and counties.

Data moves one way:  question_banks/ -> bank -> paper -> campaign -> link -> attempt -> rollup -> report.
roster (units, people, head-counts) feeds campaign, link and attempt; staff says who may look.
Imports point the other way. The rules live in `core`, values in, values out.
"""
