"""The networks: the motion VQ-VAE (`mgpt_vq`, torch only) and the language model (`mgpt_lm`, transformers)."""
