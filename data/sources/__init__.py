"""Sources of training batches: start-padded windows of episodes.

`ReverbSource` needs Reverb; import it from `data.sources.reverb_source`.
"""

from data.sources.batches import windows_in_order
from data.sources.in_memory_source import InMemorySource
from data.sources.prioritized_source import PrioritizedSource
from data.sources.source import Source

__all__ = ["InMemorySource", "PrioritizedSource", "Source", "windows_in_order"]
