"""An nbgrader course becomes lab text: notebooks, settings and gradebook are read, and nothing of them is run."""
