"""Words the bank has ready for customers: templates with variables, macros, the result letter.

Templates and macros are rows of rule set `replies`. `variables` is the closed list of what a
template may name, `filling` puts values in and marks what is missing, `jargon` finds words that
customers do not use (C17), `checking` judges a version, `drafting` changes a draft, `offering`
says what is offered for a case, `result` composes the result letter, `macros` carries out a
template, fields and a move together.
"""
