c = get_config()  # noqa: F821
c.ExecutePreprocessor.enabled = False
c.Execute.allow_errors = True
