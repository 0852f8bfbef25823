"""The pure rules of quizsvc: values in, values out; no framework, file, network, clock or chance.

Read in this order:

1. refusal     how a rule says no: a sentence for the person and a status
2. tablefile   tables written by hand: what they say, where, and what is wrong in words
3. bankfile    what a question is, what is wrong with one, and its canonical form
4. bankfigures what banks hold in figures: how much of each sort, whether keys hide, what is due
5. exchange    questions on their way in and out: what another system's file says, and how it becomes an item
6. revision    what has changed between two wordings, field by field
7. assembly    which questions make a form, in which order, under which option tokens
8. readingtime how long a form takes to read and answer
9. unitname    names of schools, grades and classes: one spelling for many
10. rosterplan  what a roster file would change
11. linkcode    the code printed on a poster, and the phrase that shows the poster is ours
12. window      when one may answer, and until when an answer counts
13. marking     saved answers into one answer each, answers into marks, marks into met or not
14. indicators  heads into rates: coverage, awareness and their kin
15. itemstats   what a class knows, question by question
16. progress    the way to 100 %, day by day
17. notices     sentences made of counts: reminders and the opening of a report
18. term        the semester of a day
19. masking     names as other people may see them
20. cells       cells of exported tables that must not become formulas
21. password    which passwords are too easy to guess
22. onetime     the six digits of the second step of a sign-in
23. access      who may do what, in which subtree
24. ledger      the chain of the audit log: its hashes, and what is wrong with one that somebody changed
25. retention   how long things about people are kept, and until when a request is answered
26. rulebook    what a contest announces: its rules as values, as text and as a hash
27. lifecycle   the stages of a contest, which move leads on, and what it ends for good
28. telephone   mobile numbers as they are typed and as others see them
29. publicvalue  values that nobody knows beforehand: the chance in them, and one way to write each
30. draw         the frozen list, the order a public value gives it, who wins, what is wrong in a bundle
31. rehearsal    a contest that never was, to try a draw on
32. quota       how many goes one has, a day or in all, and which paper a go is on
33. pacing      one question a request and no way back: which is on, whether its answer came in time
34. nickname    what players may call themselves
35. standing    goes into what a player has reached, shared ranks, units by participation, which board is shown
36. integrity   signs worth a look: too fast, one phone, the same answers, a rush
37. announcement  what keeps rules from being announced, what may still change, what follows from them
38. bounds       what texts, numbers and lists of a sheet may be
39. document     a text that is read and signed, and its fingerprint
40. adoption     what is to be adopted by whom, and what counts as adopted
41. questionnaire  opinion surveys: the kinds of questions, whom they are asked, what is a valid answer
42. sheettext    texts and surveys as an organizer types them
43. wording      what is done with words of others: long numbers are masked, listed words are found
44. readinglevel  how long the sentences of a text are, and what its writer is told
45. blanks       what of a template is still to be filled in
46. change       two test rounds held against each other, before and after the teaching
47. signature    the name as it is typed, and the strokes of a finger
48. roundkind    the kinds of rounds, and the words that pages use of each
49. bulletin     the figures of a unit at a moment, and the sentences and tables made of them
"""
