"""A class trains at once: many learners' adapters on one resident base model.

`lora` and `resident` are the arithmetic, `cotrainer` takes steps, `job` and `jobs` say what is trained and keep it,
`worker` runs, `routes` are what a notebook reaches.
"""
