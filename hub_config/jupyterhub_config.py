from hub_config import platform, settings

platform.configure(get_config(), settings.read())  # noqa: F821 - JupyterHub puts get_config here
