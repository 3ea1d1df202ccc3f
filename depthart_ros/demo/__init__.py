"""What `depthart demo` is made of: the programs it runs, what it records of them, and what it writes."""
