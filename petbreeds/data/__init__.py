"""Photos, labels, splits, checks and the drawn pets: pandas, numpy and PIL; no torch, no fastai."""
