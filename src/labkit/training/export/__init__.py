"""A learner takes her model home: for llama.cpp and ollama, as one merged model, as a repository to publish."""
