"""What is kept of a person, why and how long; hers to read, to take with her, and to have erased."""
