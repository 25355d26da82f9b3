"""How the evaluators of a job share its episodes, and the table of results."""
