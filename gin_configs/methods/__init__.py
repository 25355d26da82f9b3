"""One file per method: the agent and how it trains. A command names the task first."""
