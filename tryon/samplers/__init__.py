"""How a picture is integrated from noise: the schedule, the solvers, and their table."""
