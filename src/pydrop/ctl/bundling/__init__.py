"""What `pydropctl bundle` puts together: the modules, the interpreter with its libraries, and where each lies."""
