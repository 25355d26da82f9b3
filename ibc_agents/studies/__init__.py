"""Studies: tasks × methods × seeds, run one after another, resumed, and summarized."""

from ibc_agents.studies.runner import Runner
from ibc_agents.studies.study import Cell, Evaluation, Method, Run, Study, Task, Variation
from ibc_agents.studies.summary import Summary, summarize, summarize_successes

__all__ = [
    "Cell",
    "Evaluation",
    "Method",
    "Run",
    "Runner",
    "Study",
    "Summary",
    "Task",
    "Variation",
    "summarize",
    "summarize_successes",
]
