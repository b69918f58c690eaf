"""Networks as plain `nn.Module`s: backbones, weights and heads, usable without fastai."""
