"""Lightning modules: the training and testing loops around the networks."""
