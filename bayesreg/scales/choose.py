"""choose_scale: evidence, cross-validation, leave-one-out and a hyperprior, side by side."""
