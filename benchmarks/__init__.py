"""Whole processes, ours and peers', in turns on one machine: what each takes, as ratios, beside what is promised."""
