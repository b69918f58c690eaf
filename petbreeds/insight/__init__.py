"""Looking at what a model said: confusion, losses, pictures. Numpy and pandas; no model is run here."""
