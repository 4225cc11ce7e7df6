"""The services of the chain, one package each; none imports another."""
