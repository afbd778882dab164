"""Parts of the networks: convolution stacks, quantizers, prompt filling, motion strings, text batches."""
