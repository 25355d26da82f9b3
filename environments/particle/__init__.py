"""The N-dimensional particle: visit one goal, then another (paper, section 4 and appendix)."""

from environments.particle.demonstrator import ParticleDemonstrator
from environments.particle.environment import ParticleEnvironment, VectorParticleEnvironment

__all__ = ["ParticleDemonstrator", "ParticleEnvironment", "VectorParticleEnvironment"]
