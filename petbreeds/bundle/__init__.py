"""What leaves the house: weights as safetensors, facts as JSON; no fastai, no pickle."""
