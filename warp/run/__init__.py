"""Go from a case to a result, once or many times. Nothing here draws or prints."""
