"""The web pages: learn, teach, programme. Server-rendered; htmx replaces what changes."""
