"""The command `branchline`: what people, tills and machines do to a running chain from a shell."""
