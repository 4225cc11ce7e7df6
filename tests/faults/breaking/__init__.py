"""What is broken, a module for each kind of thing that breaks."""
