"""The pure rules of quizsvc: values in, values out; no framework, file, network, clock or chance.

Read in this order:

1. refusal     how a rule says no: a sentence for the person and a status
2. tablefile   tables written by hand: what they say, where, and what is wrong in words
3. bankfile    what a question is, what is wrong with one, and its canonical form
4. assembly    which questions make a form, in which order, under which option tokens
5. unitname    names of schools, grades and classes: one spelling for many
6. rosterplan  what a roster file would change
7. linkcode    the code printed on a poster, and the phrase that shows the poster is ours
8. window      when one may answer, and until when an answer counts
9. marking     saved answers into one answer each, answers into marks, marks into met or not
10. indicators heads into rates: coverage, awareness and their kin
11. itemstats  what a class knows, question by question
12. progress   the way to 100 %, day by day
13. notices    sentences made of counts: reminders and the opening of a report
14. term       the semester of a day
15. masking    names as other people may see them
16. cells      cells of exported tables that must not become formulas
17. password   which passwords are too easy to guess
18. access     who may do what, in which subtree
"""
