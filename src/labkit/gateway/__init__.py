"""The gateway: a learner's way to models, in OpenAI's wire format, within what her lab allows."""
