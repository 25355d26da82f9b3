"""Datasets of other libraries: RLDS, Minari, robomimic and D4RL.

References:
    Ramos et al., "RLDS: an Ecosystem to Generate, Share and Use Datasets in Reinforcement
    Learning", 2021. https://arxiv.org/abs/2111.02767

    Farama Foundation, "Minari". https://minari.farama.org

    Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot
    Manipulation" (robomimic), 2021. https://arxiv.org/abs/2108.03298

    Fu et al., "D4RL: Datasets for Deep Data-Driven Reinforcement Learning", 2020.
    https://arxiv.org/abs/2004.07219
"""
