"""The pure rules of quizsvc: values in, values out; no framework, file, network, clock or chance.

Read in this order:

1. refusal     how a rule says no: a sentence for the person and a status
2. bankfile    what a question is, and what is wrong with one
3. assembly    which questions make a form, in which order, under which option tokens
4. linkcode    the code printed on a poster, and the phrase that shows the poster is ours
5. window      when one may answer, and until when an answer counts
6. marking     saved answers into one answer each, answers into marks, marks into met or not
7. indicators  heads into rates: coverage, awareness and their kin
8. itemstats   what a class knows, question by question
9. progress    the way to 100 %, day by day
10. term       the semester of a day
11. masking    names as other people may see them
12. access     who may do what, in which subtree
13. password   which passwords are too easy to guess
"""
