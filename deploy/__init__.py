"""How Branchline is put on machines: this one (`local`), or containers (`Dockerfile`, and the root's compose file)."""
