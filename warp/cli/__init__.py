"""Read the command line, call the program and print to the terminal. Nothing imports this room."""
