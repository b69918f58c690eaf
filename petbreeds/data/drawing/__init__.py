"""The drawn pets, one picture at a time: a small clay model, its coat, a scene and a camera; numpy and PIL alone."""
