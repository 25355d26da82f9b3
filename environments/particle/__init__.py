"""The N-dimensional particle task: visit one goal, then another.

References:
    Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 4. https://arxiv.org/abs/2109.00137
"""

from environments.particle.demonstrator import ParticleDemonstrator
from environments.particle.environment import ParticleEnvironment, VectorParticleEnvironment

__all__ = ["ParticleDemonstrator", "ParticleEnvironment", "VectorParticleEnvironment"]
