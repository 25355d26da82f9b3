"""What makes energies fast on a CPU: blocks of rows, bfloat16, and measured choices."""
