"""Push-T: a disc pushes a T-shaped block onto its target pose.

References:
    Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023, Sec. V.
    https://arxiv.org/abs/2303.04137
    Florence et al., "Implicit Behavioral Cloning", 2021. https://arxiv.org/abs/2109.00137
"""

from environments.push_t.environment import PushTEnvironment

__all__ = ["PushTEnvironment"]
